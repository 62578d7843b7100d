/** The service that the server imitates where S3 and R2 differ. */
export type S3ProfileName = "s3" | "r2";

/** Request headers that the service does not support, except with the listed values. */
export interface RefusedHeader {
  /** Lower-case name, or its beginning if it ends in `-`. */
  readonly header: string;
  /** Accepted values; none by default. */
  readonly except?: readonly string[];
}

/** Everything in which the services differ, as data: no other file compares a profile's name. */
export interface S3Profile {
  readonly name: S3ProfileName;
  /** The server's region if none is given. */
  readonly defaultRegion: string;
  /** Further regions that a signature may name. */
  readonly regionAliases: readonly string[];
  /** The `Content-Type` of an object stored without one. */
  readonly defaultContentType: string;
  /** Whether keys are normalised to Unicode NFC. */
  readonly normalizesKeys: boolean;
  /** Whether the ETags of parts and multipart objects are computed from the content. */
  readonly multipartEtag: "content" | "opaque";
  /** Whether all parts except the last must have the same size. */
  readonly equalPartSizes: boolean;
  /** Whether a conditional Complete that fails discards the upload. */
  readonly failedConditionalCompleteDiscardsUpload: boolean;
  /** The error of `If-Match` on a key that does not exist. */
  readonly ifMatchOnMissingKey: "NoSuchKey" | "PreconditionFailed";
  /** Maximum number of keys per DeleteObjects. */
  readonly deleteBatchLimit: number;
  /** Whether DeleteObjects requires Content-MD5 or a checksum. */
  readonly deleteObjectsNeedsDigest: boolean;
  /** The prefix of `if-match` and `if-none-match` for the target of CopyObject. */
  readonly copyTargetConditionPrefix: string;
  /** Headers that are answered with `NotImplemented`. */
  readonly refusedHeaders: readonly RefusedHeader[];
}

/** Refused in every profile, because this server would ignore them. */
const REFUSED_EVERYWHERE: readonly RefusedHeader[] = [
  { header: "x-amz-tagging" },
  { header: "x-amz-grant-" },
  { header: "x-amz-object-lock-" },
  { header: "x-amz-website-redirect-location" },
  { header: "x-amz-server-side-encryption-" },
  { header: "x-amz-copy-source-server-side-encryption-" },
];

export const S3_PROFILES: Readonly<Record<S3ProfileName, S3Profile>> = {
  s3: {
    name: "s3",
    defaultRegion: "us-east-1",
    regionAliases: [],
    defaultContentType: "binary/octet-stream",
    normalizesKeys: false,
    multipartEtag: "content",
    equalPartSizes: false,
    failedConditionalCompleteDiscardsUpload: false,
    ifMatchOnMissingKey: "NoSuchKey",
    deleteBatchLimit: 1000,
    deleteObjectsNeedsDigest: true,
    copyTargetConditionPrefix: "",
    refusedHeaders: [
      ...REFUSED_EVERYWHERE,
      { header: "x-amz-acl", except: ["private", "bucket-owner-full-control"] },
      { header: "x-amz-server-side-encryption", except: ["AES256"] },
      { header: "x-amz-storage-class", except: ["STANDARD"] },
    ],
  },
  r2: {
    name: "r2",
    defaultRegion: "auto",
    regionAliases: ["us-east-1"],
    defaultContentType: "application/octet-stream",
    normalizesKeys: true,
    multipartEtag: "opaque",
    equalPartSizes: true,
    failedConditionalCompleteDiscardsUpload: true,
    ifMatchOnMissingKey: "PreconditionFailed",
    deleteBatchLimit: 700,
    deleteObjectsNeedsDigest: false,
    copyTargetConditionPrefix: "cf-copy-destination-",
    refusedHeaders: [
      ...REFUSED_EVERYWHERE,
      { header: "x-amz-acl" },
      { header: "x-amz-server-side-encryption" },
      { header: "x-amz-storage-class", except: ["STANDARD"] },
      { header: "x-amz-request-payer" },
      { header: "x-amz-expected-bucket-owner" },
      { header: "x-amz-source-expected-bucket-owner" },
    ],
  },
};
