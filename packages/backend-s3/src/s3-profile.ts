/** How one kind of store differs from the others, as data. */
export interface S3Profile {
  /** Names the backend in errors, and the scheme of its URLs. */
  readonly name: "s3" | "r2";
  /** The region to sign for where none is given. */
  readonly defaultRegion: string;
  /** Whether `https://endpoint/bucket` is used rather than `https://bucket.endpoint`, where nothing else is said. */
  readonly forcePathStyle: boolean;
  /** The most keys in one DeleteObjects request. */
  readonly deleteBatchSize: number;
  /** How often one key may be written per second. */
  readonly writesPerSecondPerKey: number | undefined;
  /** Whether the store normalises keys. */
  readonly keyNormalization: "none" | "NFC";
  /** The HTTP statuses of failures that pass. */
  readonly retryableStatuses: ReadonlySet<number>;
  /** The largest object that one CopyObject takes, in bytes; larger ones are copied by parts. */
  readonly maxCopyBytes: number;
  /** The size of the parts of a copy, in bytes. */
  readonly copyPartBytes: number;
  /** Objects up to this size go by one request, larger ones by parts of it, all but the last equal, as R2 wants. In bytes. */
  readonly partBytes: number;
  /** The most parts an upload may have. */
  readonly maxParts: number;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** AWS S3 (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), and servers that imitate it. */
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
  name: "r2",
  defaultRegion: "auto",
  forcePathStyle: true,
  deleteBatchSize: 700,
  writesPerSecondPerKey: 1,
  keyNormalization: "NFC",
  // 499: the client's connection broke before the store had all of it. 52x: Cloudflare could not reach its own store.
  retryableStatuses: new Set([408, 409, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524]),
  maxCopyBytes: 5 * GIB,
  copyPartBytes: GIB / 2,
  partBytes: 8 * MIB,
  maxParts: 10_000,
};

/** Parts of one object in flight at once. */
export const PART_CONCURRENCY = 4;
