/** The properties in which kinds of stores differ. */
export interface S3Profile {
  /** The backend's name in errors, and the scheme of its URLs. */
  readonly name: "s3" | "r2";
  /** The region to sign for if none is configured. */
  readonly defaultRegion: string;
  /** Whether the default is `https://endpoint/bucket` rather than `https://bucket.endpoint`. */
  readonly forcePathStyle: boolean;
  /** The most keys in one DeleteObjects request. */
  readonly deleteBatchSize: number;
  /** The most writes per second to one key. */
  readonly writesPerSecondPerKey: number | undefined;
  /** The Unicode normalisation that the store applies to keys. */
  readonly keyNormalization: "none" | "NFC";
  /** The HTTP statuses of temporary failures. */
  readonly retryableStatuses: ReadonlySet<number>;
  /** The largest object that one CopyObject request can copy, in bytes; larger ones are copied by parts. */
  readonly maxCopyBytes: number;
  /** The size of the parts of a copy, in bytes. */
  readonly copyPartBytes: number;
  /** Objects up to this size, in bytes, are put with one request, larger ones in parts of it. R2 requires equal parts. */
  readonly partBytes: number;
  /** The most parts an upload may have. */
  readonly maxParts: number;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** AWS S3 (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), and other servers with its protocol. */
export const S3_PROFILE: S3Profile = {
  name: "s3",
  defaultRegion: "us-east-1",
  forcePathStyle: false,
  deleteBatchSize: 1000,
  writesPerSecondPerKey: undefined,
  keyNormalization: "none",
  retryableStatuses: new Set([408, 409, 429, 500, 502, 503, 504]),
  maxCopyBytes: 5 * GIB,
  copyPartBytes: GIB / 2,
  partBytes: 8 * MIB,
  maxParts: 10_000,
};

/** Cloudflare R2 (developers.cloudflare.com/r2/api/s3/api, /r2/api/error-codes and /r2/platform/limits). */
export const R2_PROFILE: S3Profile = {
  ...S3_PROFILE,
  name: "r2",
  defaultRegion: "auto",
  forcePathStyle: true,
  deleteBatchSize: 700,
  writesPerSecondPerKey: 1,
  keyNormalization: "NFC",
  // 499: the connection closed before the store had the whole request. 52x: Cloudflare could not reach its own store.
  retryableStatuses: new Set([...S3_PROFILE.retryableStatuses, 499, 520, 521, 522, 523, 524]),
};

/** The number of parts of one object that are sent concurrently. */
export const PART_CONCURRENCY = 4;
