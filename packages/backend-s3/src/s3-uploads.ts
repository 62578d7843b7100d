import {
  type DirectlyAccessible,
  joinKey,
  type Key,
  type OperationOptions,
  type Prefix,
  type PutResult,
  type ReplayableBody,
  type StorageBackend,
} from "@parquetry/core/backend";
import { abortUpload } from "./multipart-upload.ts";
import { type ResumableUploadOptions, resumableUpload } from "./resumable-upload.ts";
import type { S3Connection } from "./s3-connection.ts";
import { abortStaleUploads, listUploads, type UnfinishedUpload } from "./unfinished-uploads.ts";

/** What S3 and R2 can do beyond the byte contract: uploads that outlive a failure. */
export interface S3Uploads {
  /**
   * Uploads by parts and, when it fails, leaves what arrived in the store, so that a later call or another process goes on
   * from there. The caller keeps the state.
   *
   * @throws StorageError as `put`; `invalid_argument` where the state to resume is of another key or size.
   * @example
   * ```ts
   * await backend.resumableUpload(key, body, { resume: saved, onState: (state) => save(JSON.stringify(state)) });
   * ```
   */
  resumableUpload(key: Key, body: ReplayableBody, options: ResumableUploadOptions): Promise<PutResult>;
  /** Lists the uploads below a prefix that have neither become an object nor been ended. */
  listUploads(prefix?: Prefix, options?: OperationOptions): AsyncIterable<UnfinishedUpload>;
  /** Ends one upload, so that its parts cost no longer. One that is gone is fine. */
  endUpload(upload: Pick<UnfinishedUpload, "key" | "uploadId">): Promise<void>;
  /** Ends those of {@link S3Uploads.listUploads} that began before `olderThan`, as the result is iterated. */
  abortStaleUploads(
    prefix: Prefix,
    olderThan: Date,
    options?: OperationOptions,
  ): AsyncIterable<UnfinishedUpload>;
}

/** A bucket of S3 or R2. */
export interface S3Backend extends StorageBackend, S3Uploads, DirectlyAccessible {}

/** The uploads of a bucket, keys relative to `root`. */
export function s3Uploads(connection: S3Connection, root: Prefix): S3Uploads {
  const inner = (prefix: Prefix): Prefix =>
    root === "" ? prefix : prefix === "" ? root : joinKey(root, prefix);
  async function* outer(uploads: AsyncIterable<UnfinishedUpload>): AsyncGenerator<UnfinishedUpload> {
    // Listed below the root, so the rest of the key is a key.
    const cut = root === "" ? 0 : root.length + 1;
    for await (const upload of uploads) yield { ...upload, key: upload.key.slice(cut) as Key };
  }
  return {
    resumableUpload: async (key, body, options) =>
      resumableUpload(connection, joinKey(root, key), body, options),
    listUploads: (prefix = "", options) => outer(listUploads(connection, inner(prefix), options)),
    endUpload: async ({ key, uploadId }) => abortUpload(connection, { key: joinKey(root, key), uploadId }),
    abortStaleUploads: (prefix, olderThan, options) =>
      outer(abortStaleUploads(connection, inner(prefix), olderThan, options)),
  };
}
