import { isWithin, parseKey, type StorageBackend } from "@parquetry/core/backend";
import type { S3Uploads } from "parquetry/backend";
import type { UploadJournal, UploadRecord } from "./upload-journal.ts";

/** How far the clocks of a store and of this machine may be apart, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;

/** What a store can do with uploads in parts beyond the byte contract, where it can. */
export function uploadsOf(target: StorageBackend): S3Uploads | undefined {
  // Found out by name: a wrapper may hide it, and then large files are put in one go.
  return "resumableUpload" in target && "endUpload" in target
    ? (target as StorageBackend & S3Uploads)
    : undefined;
}

/**
 * Ends an upload of ours at the store, so that its parts cost no longer. Where the process died before the store's answer
 * was noted, the upload is the one that the store lists for this key since then.
 */
export async function endUpload(
  uploads: S3Uploads,
  journal: UploadJournal,
  record: UploadRecord,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = parseKey(record.key);
  if (record.state !== undefined) await uploads.endUpload({ key, uploadId: record.state.uploadId });
  else {
    const slash = key.lastIndexOf("/");
    const folder = slash < 0 ? "" : parseKey(key.slice(0, slash));
    for await (const upload of uploads.listUploads(folder, { signal })) {
      const ageMs = upload.startedAt.getTime() - record.begunAt;
      // S3 tells whole seconds.
      if (upload.key === key && Math.abs(ageMs) <= CLOCK_SKEW_MS) await uploads.endUpload(upload);
    }
  }
  journal.delete(record.url);
}

/** The uploads to a target that this machine has begun and not seen the end of. */
export function recordsFor(target: StorageBackend, journal: UploadJournal): readonly UploadRecord[] {
  const root = target.url();
  return journal.records().filter(({ url, key }) => isWithin(root, url) && url === target.url(parseKey(key)));
}
