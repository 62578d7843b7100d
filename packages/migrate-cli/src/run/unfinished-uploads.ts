import { isWithin, parseKey, type StorageBackend } from "@parquetry/core/backend";
import type { S3Uploads, UnfinishedUpload } from "@parquetry/storage/backend";
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
      if (isOf(upload, record)) await uploads.endUpload(upload);
    }
  }
  journal.delete(record.url);
}

/**
 * Ends what the store began for these uploads without our hearing of it: an answer that was lost is asked for again, and the
 * first one stays behind. One request for each thousand unfinished uploads of the bucket.
 */
export async function endLostUploads(
  target: StorageBackend,
  journal: UploadJournal,
  begun: readonly UploadRecord[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const uploads = uploadsOf(target);
  if (uploads === undefined || begun.length === 0) return;
  const ours = new Map(begun.map((record) => [record.key, record]));
  const noted = new Set(recordsFor(target, journal).map(({ state }) => state?.uploadId));
  for await (const upload of uploads.listUploads("", { signal })) {
    const record = ours.get(upload.key);
    if (record !== undefined && isOf(upload, record) && !noted.has(upload.uploadId))
      await uploads.endUpload(upload);
  }
}

/** Whether the store began an upload of that key when we asked for one. S3 tells whole seconds. */
function isOf({ key, startedAt }: UnfinishedUpload, record: UploadRecord): boolean {
  return key === record.key && Math.abs(startedAt.getTime() - record.begunAt) <= CLOCK_SKEW_MS;
}

/** The uploads to a target that this machine has begun and not seen the end of. */
export function recordsFor(target: StorageBackend, journal: UploadJournal): readonly UploadRecord[] {
  const root = target.url();
  return journal.records().filter(({ url, key }) => isWithin(root, url) && url === target.url(parseKey(key)));
}
