import {
  isStorageError,
  type PutOptions,
  type PutResult,
  type StorageBackend,
  type StorageError,
} from "@parquetry/core/backend";
import type { S3Uploads } from "@parquetry/storage/backend";
import type { PlannedFile } from "../plan/migration-plan.ts";
import { createEtagCheck } from "../proof/multipart-etag.ts";
import { readWhole } from "../proof/read-whole.ts";
import type { BandwidthLimiter } from "./bandwidth-limiter.ts";
import { putOrFind } from "./put-or-find.ts";
import { checkMd5, createSourceBody, type SourceBody } from "./source-body.ts";
import { endUpload, uploadsOf } from "./unfinished-uploads.ts";
import type { UploadJournal } from "./upload-journal.ts";

/** Files up to this size are read whole before they are sent, where a target takes them in one piece. In bytes. */
export const WHOLE_BYTES: number = 8 * 1024 * 1024;

/** Whether a file is read whole before it is sent; larger ones are streamed, or sent in parts. */
export function isSentWhole(sizeBytes: number, target: StorageBackend): boolean {
  return sizeBytes <= Math.min(WHOLE_BYTES, target.capabilities.maxSinglePutBytes);
}

/** What sending a file works with. */
export interface SendContext {
  /** Where the file is. */
  readonly source: StorageBackend;
  /** Where it goes. */
  readonly target: StorageBackend;
  /** Slows reading down. */
  readonly limiter?: BandwidthLimiter | undefined;
  /** Stops at once. */
  readonly signal?: AbortSignal | undefined;
  /** Remembers uploads in parts, so that they outlive this process. */
  readonly uploads?: UploadJournal | undefined;
  /** Told of bytes as they pass; negative where they have to be read again. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Told that an upload which was cut off goes on, with so many parts at the store already. */
  readonly onResumed?: ((parts: number) => void) | undefined;
}

/** What sending a file told. */
export interface SentFile {
  /** What the target says of it. */
  readonly stored: PutResult;
  /** The MD5 of what was sent, where it was read from its beginning to its end. */
  readonly md5: string | undefined;
  /** The ETag that the parts sent make. */
  readonly multipartEtag: string | undefined;
  /** Whether the target itself held the bytes against a hash that it was given. */
  readonly checked: boolean;
  /** Whether what was read is known to be what the source holds. */
  readonly isSourceProven: boolean;
}

/** Reads one version of a file and puts it: small files in one piece, large ones as a stream or in parts. */
export function sendFile(file: PlannedFile, context: SendContext): Promise<SentFile> {
  if (isSentWhole(file.sizeBytes, context.target)) return sendWhole(file, context);
  const uploads = uploadsOf(context.target);
  const inParts = file.sizeBytes > context.target.capabilities.maxSinglePutBytes;
  if (uploads === undefined || context.uploads === undefined || !inParts) {
    return sendStreamed(file, context, (body, options) => context.target.put(file.key, body.body, options));
  }
  const { uploads: journal } = context;
  return sendStreamed(file, context, (body, options) =>
    sendInParts(file, context, { uploads, journal, body, options }),
  );
}

/** Creates the file, or replaces exactly the version that was planned. */
function putOptions({ replaces }: PlannedFile, { signal }: SendContext): PutOptions {
  return replaces === undefined ? { ifNoneMatch: "*", signal } : { ifMatch: replaces, signal };
}

async function sendWhole(file: PlannedFile, context: SendContext): Promise<SentFile> {
  const { source, target, limiter, signal } = context;
  const { bytes, md5, release } = await readWhole(source, file, signal);
  try {
    checkMd5(source, file, md5);
    await limiter?.take(bytes.byteLength, signal);
    const options = { ...putOptions(file, context), md5 };
    const put = (): Promise<PutResult> => target.put(file.key, bytes, options);
    const stored = await putOrFind(target, file, signal, () => md5, put);
    context.onBytes?.(bytes.byteLength);
    return {
      stored,
      md5,
      multipartEtag: undefined,
      checked: true,
      isSourceProven: isRead(source, file, bytes),
    };
  } finally {
    release();
  }
}

async function sendStreamed(
  file: PlannedFile,
  context: SendContext,
  put: (body: SourceBody, options: PutOptions) => Promise<PutResult>,
): Promise<SentFile> {
  const { source, target, limiter, signal, onBytes } = context;
  const { maxSinglePutBytes, partSizeBytes } = target.capabilities;
  const body = createSourceBody(source, file, {
    limiter,
    signal,
    onBytes,
    partSizeBytes: file.sizeBytes > maxSinglePutBytes ? partSizeBytes : undefined,
  });
  try {
    const options = putOptions(file, context);
    const stored = await putOrFind(target, file, signal, body.md5, () => put(body, options));
    return {
      stored,
      md5: body.md5(),
      multipartEtag: body.multipartEtag(),
      checked: false,
      isSourceProven: body.isProven(),
    };
  } catch (error) {
    const failure = body.failure();
    const isOfSource =
      isChangedSource(failure) || isDamagedRead(failure) || isStorageError(failure, "not_found");
    throw isOfSource ? failure : error;
  }
}

/** Whether these bytes are known to be what the source holds: their MD5, or else its ETag, says so. */
function isRead(source: StorageBackend, { etag, md5, sizeBytes }: PlannedFile, bytes: Uint8Array): boolean {
  if (md5 !== undefined || source.capabilities.listProves === "none") return true;
  const check = createEtagCheck(etag, sizeBytes);
  check.update(bytes);
  return check.matches();
}

interface PartsOfUpload {
  readonly uploads: S3Uploads;
  readonly journal: UploadJournal;
  readonly body: SourceBody;
  readonly options: PutOptions;
}

/** Failures after which the same upload can go on: it stays at the store, and in the journal. */
const PASSING: readonly string[] = ["unavailable", "timeout", "rate_limited", "aborted", "outcome_unknown"];

async function sendInParts(
  file: PlannedFile,
  context: SendContext,
  { uploads, journal, body, options }: PartsOfUpload,
): Promise<PutResult> {
  const { target, signal } = context;
  const url = target.url(file.key);
  let known = journal.get(url);
  if (known !== undefined && (known.etag !== file.etag || known.state === undefined)) {
    await endUpload(uploads, journal, known, signal);
    known = undefined;
  }
  if (known?.state !== undefined) context.onResumed?.(known.state.parts.length);
  const record = { url, key: file.key, etag: file.etag, begunAt: known?.begunAt ?? Date.now() };
  // Noted before the store is asked, so that no upload can begin unseen.
  if (known === undefined) journal.set(record);
  try {
    const stored = await uploads.resumableUpload(file.key, body.body, {
      ...options,
      resume: known?.state,
      onState: (state) => journal.set({ ...record, state }),
    });
    journal.delete(url);
    return stored;
  } catch (error) {
    if (isStorageError(error) && !PASSING.includes(error.code)) {
      const left = journal.get(url);
      // Where it cannot be ended now, the next run does it; this failure is the one to tell.
      if (left !== undefined) await endUpload(uploads, journal, left, signal).catch(() => {});
    }
    throw error;
  }
}

/** A version of the source's object that is no more: `op` tells it from a precondition of the target. */
export function isChangedSource(error: unknown): error is StorageError {
  return isStorageError(error, "precondition_failed") && error.op === "get";
}

/** Bytes that were damaged or lost on the way from the source: what it holds is another matter, and is read again. */
export function isDamagedRead(error: unknown): error is StorageError {
  return isStorageError(error, "corrupt") && error.op === "get";
}
