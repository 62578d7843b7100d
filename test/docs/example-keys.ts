/** The key pair of the S3 guides: the example of AWS's own documentation. */
export const S3_KEYS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};

/** The key pair of the R2 guides, in the form of Cloudflare's. */
export const R2_KEYS = {
  accessKeyId: "00112233445566778899aabbccddeeff",
  secretAccessKey: "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
};
