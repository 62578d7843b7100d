import {
  abilitiesOf,
  isStorageError,
  type Key,
  type PutOptions,
  type PutResult,
  parseKey,
  type ReplayableBody,
  type ResumableUploads,
  type StorageBackend,
  type UnfinishedUpload,
  type UploadState,
} from "@parquetry/core/backend";
import { isWithin, type ResumableUploadOptions } from "@parquetry/core/unstable";
import type { MigrationPlan, PlannedFile } from "../plan/migration-plan.ts";
import type { UploadRecord } from "./read-upload-record.ts";
import type { UnderWay } from "./under-way.ts";
import type { UploadJournal } from "./upload-journal.ts";

/** How far apart the clocks of a store and of this machine may be, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;

/** Failures after which the same upload can be resumed: it stays at the store, and in the journal. */
const RESUMABLE: readonly string[] = ["unavailable", "timeout", "rate_limited", "aborted", "outcome_unknown"];

/** What {@link sendInParts} works with. */
export interface PartsContext {
  /** Where the file goes. */
  readonly target: StorageBackend;
  /** The target's uploads. */
  readonly uploads: ResumableUploads;
  /** Records the upload. */
  readonly journal: UploadJournal;
  /** Stops. */
  readonly signal?: AbortSignal | undefined;
  /** Stops after the parts under way. */
  readonly stopSignal?: AbortSignal | undefined;
  /** Records what is under way. */
  readonly underWay?: UnderWay | undefined;
  /** Reads a part with its MD5. Default: parts are read from the body, and hashed. */
  readonly readPart?: ResumableUploadOptions["readPart"];
  /** Called with the size of the parts and the MD5s of all of them, in order, after each part: complete in the last call. */
  readonly onParts?: ((partSizeBytes: number, md5s: readonly string[]) => void) | undefined;
  /** Called when an interrupted upload is resumed, with the number of parts that the store already has. */
  readonly onResumed?: ((parts: number) => void) | undefined;
}

/**
 * Uploads a file in parts, which are recorded in the journal as they arrive. If the journal holds an upload of the same
 * version of the file, it is resumed; one of another version is aborted.
 */
export async function sendInParts(
  file: PlannedFile,
  body: ReplayableBody,
  options: PutOptions,
  context: PartsContext,
): Promise<PutResult> {
  const { target, signal, stopSignal, underWay, readPart, onResumed, uploads, journal } = context;
  const url = target.url(file.key);
  let known = journal.get(url);
  if (known !== undefined && (known.state === undefined || !isOf(known, file, target))) {
    await abortUpload(uploads, journal, known, signal);
    known = undefined;
  }
  if (known?.state !== undefined) onResumed?.(known.state.parts.length);
  const record = { url, key: file.key, etag: file.etag, begunAt: known?.begunAt ?? Date.now() };
  // Recorded before the store is asked, so that every upload it may have started is known here.
  if (known === undefined) await journal.set(record);
  const parts = underWay?.beginParts();
  const tellParts = (state: UploadState | undefined): void => {
    if (state === undefined) return;
    const md5s = state.parts.map(({ md5 }) => md5);
    context.onParts?.(state.partSizeBytes, md5s);
  };
  tellParts(known?.state);
  try {
    const stored = await uploads.upload(file.key, parts?.watching(body) ?? body, {
      ...options,
      resume: known?.state,
      stopSignal,
      readPart:
        readPart &&
        ((range) => {
          parts?.begin(range);
          return readPart(range);
        }),
      async onState(state) {
        tellParts(state);
        await journal.set({ ...record, state });
        parts?.stored(state);
      },
    });
    journal.delete(url);
    return stored;
  } catch (error) {
    if (isStorageError(error) && !RESUMABLE.includes(error.code)) {
      const left = journal.get(url);
      // If it cannot be aborted now, the next run does it; the first failure is the one to report.
      if (left !== undefined) await abortUpload(uploads, journal, left, signal).catch(() => {});
      // The recorded state is not one of this object, or the store knows other parts: without it, a new upload begins.
      if (known !== undefined && error.code === "invalid_argument" && journal.get(url) === undefined)
        return await sendInParts(file, body, options, context);
    }
    throw error;
  } finally {
    parts?.end();
  }
}

/** Whether a record is of this version of this file, in parts that the target accepts. */
function isOf({ key, etag, state }: UploadRecord, file: PlannedFile, target: StorageBackend): boolean {
  return (
    key === file.key &&
    etag === file.etag &&
    state?.sizeBytes === file.sizeBytes &&
    state.partSizeBytes >= target.capabilities.partSizeBytes
  );
}

/**
 * Aborts an upload that this machine started, so that its parts no longer cost anything. If the process died before it
 * recorded the store's answer, it is the upload that the store lists for this key and time.
 */
async function abortUpload(
  uploads: ResumableUploads,
  journal: UploadJournal,
  record: UploadRecord,
  signal: AbortSignal | undefined,
): Promise<void> {
  const key = parseKey(record.key);
  if (record.state !== undefined) await uploads.abort({ key, uploadId: record.state.uploadId });
  else {
    const slash = key.lastIndexOf("/");
    const folder = slash < 0 ? "" : parseKey(key.slice(0, slash));
    for await (const upload of uploads.list(folder, { signal })) {
      if (isStartOf(upload, record)) await uploads.abort(upload);
    }
  }
  journal.delete(record.url);
}

/** Options of {@link abortStaleUploads}. */
export interface AbortStaleUploadsOptions {
  /** The uploads that this machine has started. Without it nothing is aborted: other uploads belong to other programs. */
  readonly journal?: UploadJournal | undefined;
  /** Whether this run selects a key: another shard may be uploading the others. */
  isSelected(key: Key): boolean;
  /** Stops. */
  readonly signal?: AbortSignal | undefined;
  /** Called for each upload that was aborted. */
  readonly onAborted?: ((key: Key) => void) | undefined;
}

/**
 * Aborts the uploads that this machine left at the target and that no planned file resumes: their files have arrived in
 * another way, or no longer exist.
 */
export async function abortStaleUploads(
  target: StorageBackend,
  plan: Pick<MigrationPlan, "files">,
  { journal, isSelected, signal, onAborted }: AbortStaleUploadsOptions,
): Promise<void> {
  const uploads = abilitiesOf(target).resumableUploads;
  if (journal === undefined || uploads === undefined) return;
  const stale = new Map(
    recordsFor(target, journal)
      .filter(({ key }) => isSelected(parseKey(key)))
      .map((record) => [record.key, record]),
  );
  if (stale.size === 0) return;
  for await (const { key } of plan.files) stale.delete(key);
  for (const record of stale.values()) {
    try {
      await abortUpload(uploads, journal, record, signal);
      onAborted?.(parseKey(record.key));
    } catch (error) {
      // It stays in the journal for the next run; this one has files to copy.
      if (!isStorageError(error) || error.code === "aborted") throw error;
    }
  }
}

/**
 * Aborts the duplicates of these uploads: after a lost answer the request to start an upload is repeated, and the first
 * upload stays behind, empty. One request for each thousand unfinished uploads of the bucket.
 */
export async function abortLostUploads(
  target: StorageBackend,
  journal: UploadJournal,
  begun: readonly UploadRecord[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const uploads = abilitiesOf(target).resumableUploads;
  if (uploads === undefined || begun.length === 0) return;
  const ours = new Map(begun.map((record) => [record.key, record]));
  const recorded = new Set(recordsFor(target, journal).map(({ state }) => state?.uploadId));
  for await (const upload of uploads.list("", { signal })) {
    const record = ours.get(upload.key);
    if (record !== undefined && isStartOf(upload, record) && !recorded.has(upload.uploadId))
      await uploads.abort(upload);
  }
}

/** Whether the store started an upload of that key when this machine asked for one. S3 reports whole seconds. */
function isStartOf({ key, startedAt }: UnfinishedUpload, record: UploadRecord): boolean {
  return key === record.key && Math.abs(startedAt.getTime() - record.begunAt) <= CLOCK_SKEW_MS;
}

/** The unfinished uploads to a target that this machine has started. */
function recordsFor(target: StorageBackend, journal: UploadJournal): readonly UploadRecord[] {
  const root = target.url();
  return journal.records().filter(({ url, key }) => isWithin(root, url) && url === target.url(parseKey(key)));
}
