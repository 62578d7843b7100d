/** Which service the server imitates where services differ. */
export type S3ProfileName = "s3" | "r2";

/** A family of request headers the service does not take, except with the listed values. */
export interface RefusedHeader {
  /** Lower-case name, or its beginning when it ends in `-`. */
  readonly header: string;
  /** Values that are taken nevertheless; none by default. */
  readonly except?: readonly string[];
}

/** Everything in which the imitated services differ, as data: no other file asks for a profile's name. */
export interface S3Profile {
  readonly name: S3ProfileName;
  /** Region the server reports when none is given. */
  readonly defaultRegion: string;
  /** Regions accepted in a signature besides the server's own. */
  readonly regionAliases: readonly string[];
  /** `Content-Type` of an object that was stored without one. */
  readonly defaultContentType: string;
  /** Whether keys are brought to Unicode normal form C. */
  readonly normalizesKeys: boolean;
  /** Whether the ETags of parts and of multipart objects follow from the content. */
  readonly multipartEtag: "content" | "opaque";
  /** Whether all parts but the last must have one size. */
  readonly equalPartSizes: boolean;
  /** Whether a conditional Complete that fails throws the upload away. */
  readonly failedConditionalCompleteDiscardsUpload: boolean;
  /** Answer to `If-Match` on a key that does not exist. */
  readonly ifMatchOnMissingKey: "NoSuchKey" | "PreconditionFailed";
  /** Most keys one DeleteObjects may name. */
  readonly deleteBatchLimit: number;
  /** Whether DeleteObjects must carry Content-MD5 or a checksum. */
  readonly deleteObjectsNeedsDigest: boolean;
  /** What stands before `if-match` and `if-none-match` when CopyObject tests its target. */
  readonly copyTargetConditionPrefix: string;
  /** Headers answered with NotImplemented. */
  readonly refusedHeaders: readonly RefusedHeader[];
}

/** What this server stores nothing of, whatever the profile: taken silently it would be a lie. */
const REFUSED_EVERYWHERE: readonly RefusedHeader[] = [
  { header: "x-amz-tagging" },
  { header: "x-amz-grant-" },
  { header: "x-amz-object-lock-" },
  { header: "x-amz-website-redirect-location" },
  { header: "x-amz-server-side-encryption-" },
  { header: "x-amz-copy-source-server-side-encryption-" },
];

/** The profile table. */
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
