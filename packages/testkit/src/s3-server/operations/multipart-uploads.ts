import { randomBytes } from "node:crypto";
import { S3Error } from "../s3-error.ts";
import type { Checksum, ChecksumAlgorithm, ChecksumType } from "../store/checksum.ts";
import { KeyIndex } from "../store/key-index.ts";
import type { ObjectAttributes, StagedBytes } from "../store/object-store.ts";

/** A part that was received completely. */
export interface UploadedPart {
  readonly number: number;
  /** Without quotes. */
  readonly etag: string;
  /** MD5 in hex, for the object's ETag. */
  readonly md5: string;
  /** Milliseconds since the epoch. */
  readonly lastModifiedMs: number;
  readonly staged: StagedBytes;
  readonly checksum?: Checksum;
}

/** An upload in progress. */
export interface MultipartUpload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly initiatedMs: number;
  readonly attributes: ObjectAttributes;
  /** The checksum of the future object. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType };
  readonly parts: Map<number, UploadedPart>;
}

/** The sort key of an upload in listings: by key, then by ID and thus by time. */
export function uploadOrder(upload: Pick<MultipartUpload, "key" | "id">): string {
  return `${upload.key}\u0000${upload.id}`;
}

/** The uploads in progress. The store contains complete objects only. */
export class MultipartUploads {
  readonly #byId = new Map<string, MultipartUpload>();
  readonly #byBucket = new Map<string, KeyIndex<MultipartUpload>>();

  start(upload: Omit<MultipartUpload, "id" | "parts">): MultipartUpload {
    // IDs begin with the time, so that those of one key sort by it.
    const id = upload.initiatedMs.toString(16).padStart(12, "0") + randomBytes(16).toString("hex");
    const started = { ...upload, id, parts: new Map() };
    this.#add(started);
    return started;
  }

  /** Returns an upload. Throws `NoSuchUpload` if the key has none with that ID. */
  require(bucket: string, key: string, id: string | undefined): MultipartUpload {
    const upload = this.#byId.get(id ?? "");
    if (upload === undefined || upload.bucket !== bucket || upload.key !== key) {
      throw new S3Error(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
      );
    }
    return upload;
  }

  /** Removes an upload, so that no other request completes, aborts or extends it; `restore` puts it back. */
  claim(upload: MultipartUpload): void {
    this.#byId.delete(upload.id);
    this.#byBucket.get(upload.bucket)?.delete(uploadOrder(upload));
  }

  restore(upload: MultipartUpload): void {
    this.#add(upload);
  }

  /** Adds a part, or replaces the one with its number. */
  addPart(upload: MultipartUpload, part: UploadedPart): void {
    if (!this.#byId.has(upload.id)) {
      part.staged.discard();
      this.require(upload.bucket, upload.key, undefined);
    }
    upload.parts.get(part.number)?.staged.discard();
    upload.parts.set(part.number, part);
  }

  /** Discards an upload and its parts. */
  discard(upload: MultipartUpload): void {
    this.claim(upload);
    for (const part of upload.parts.values()) part.staged.discard();
    upload.parts.clear();
  }

  discardBucket(bucket: string): void {
    for (const upload of [...this.scan(bucket, () => false)]) this.discard(upload);
    this.#byBucket.delete(bucket);
  }

  /** Returns the uploads of a bucket by key, from the first key for which `isBefore` is false. */
  *scan(bucket: string, isBefore: (key: string) => boolean): Generator<MultipartUpload> {
    yield* this.#byBucket
      .get(bucket)
      ?.scan((order) => isBefore(order.slice(0, order.lastIndexOf("\u0000")))) ?? [];
  }

  #add(upload: MultipartUpload): void {
    this.#byId.set(upload.id, upload);
    let bucket = this.#byBucket.get(upload.bucket);
    if (bucket === undefined) {
      bucket = new KeyIndex();
      this.#byBucket.set(upload.bucket, bucket);
    }
    bucket.set(uploadOrder(upload), upload);
  }
}
