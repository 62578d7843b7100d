import {
  abilitiesOf,
  isStorageError,
  type PutOptions,
  type PutResult,
  type ReplayableBody,
  type StorageBackend,
  type StorageError,
  throwIfAborted,
} from "@parquetry/core/backend";
import type { BandwidthLimiter } from "@parquetry/core/unstable";
import type { PlannedFile } from "../plan/migration-plan.ts";
import { createEtagCheck } from "../proof/multipart-etag.ts";
import { checkMd5, readWhole } from "../proof/read-version.ts";
import { type Arrival, type ArrivalContext, confirmArrival, type SourceReading } from "./arrival.ts";
import { putOrFind } from "./put-or-find.ts";
import { createSourceBody } from "./source-body.ts";
import type { StreamUnderWay, UnderWay } from "./under-way.ts";
import { sendInParts } from "./unfinished-uploads.ts";
import type { UploadJournal } from "./upload-journal.ts";

/** The largest file that is read whole before it is sent, in bytes, if the source does not set a limit itself. */
export const WHOLE_BYTES: number = 8 * 1024 * 1024;

/** Whether a file is read whole before it is sent; larger ones are streamed, or sent in parts. */
export function isSentWhole(sizeBytes: number, source: StorageBackend, target: StorageBackend): boolean {
  const readWhole = abilitiesOf(source).hashedReads?.maxFileBytes ?? WHOLE_BYTES;
  return sizeBytes <= Math.min(readWhole, target.capabilities.maxSinglePutBytes);
}

/** What {@link sendFile} works with. */
export interface SendContext extends ArrivalContext {
  /** Limits the rate of writing. Default: none, or the backends limit their own transfers. */
  readonly limiter?: BandwidthLimiter | undefined;
  /** Stops before the next part of an upload that can be resumed, and any other file of which much is left. */
  readonly stopSignal?: AbortSignal | undefined;
  /** Records what is under way. */
  readonly underWay?: UnderWay | undefined;
  /** Records uploads in parts, so that a later process can resume them. */
  readonly uploads?: UploadJournal | undefined;
  /** Called with the bytes read; negative when they have to be read again. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Called when an interrupted upload is resumed, with the number of parts that the store already has. */
  readonly onResumed?: ((parts: number) => void) | undefined;
}

/** Reads one version of a file and puts it: a small file in one piece, a large one as a stream or in parts. */
export function sendFile(file: PlannedFile, context: SendContext): Promise<Arrival> {
  return isSentWhole(file.sizeBytes, context.source, context.target)
    ? sendWhole(file, context)
    : sendStreamed(file, context);
}

/** Creates the file, or replaces exactly the version that was planned. */
function putOptions({ replaces }: PlannedFile, { signal }: SendContext): PutOptions {
  return replaces === undefined ? { ifNoneMatch: "*", signal } : { ifMatch: replaces, signal };
}

async function sendWhole(file: PlannedFile, context: SendContext): Promise<Arrival> {
  const { source, target, limiter, signal } = context;
  const ended = context.underWay?.beginFile(file.sizeBytes);
  const { bytes, md5, release } = await readWhole(source, file, signal).catch((error: unknown) => {
    ended?.();
    throw error;
  });
  try {
    checkMd5(source, file, md5);
    const options = { ...putOptions(file, context), md5 };
    const reading: SourceReading = { md5, isProven: isSourceProven(source, file, bytes) };
    const body = limiter === undefined ? bytes : pacedBody(bodyOf(bytes), limiter, signal);
    const put = (): Promise<PutResult> => target.put(file.key, body, options);
    const stored = await putOrFind(target, file, signal, () => reading, put);
    context.onBytes?.(bytes.byteLength);
    return await confirmArrival(file, stored, reading, true, context);
  } finally {
    ended?.();
    release();
  }
}

async function sendStreamed(file: PlannedFile, context: SendContext): Promise<Arrival> {
  const { source, target, limiter, signal, onBytes } = context;
  const { maxSinglePutBytes, partSizeBytes } = target.capabilities;
  const inParts = file.sizeBytes > maxSinglePutBytes;
  const uploads = inParts && context.uploads !== undefined ? abilitiesOf(target).resumableUploads : undefined;
  const {
    body: whole,
    readPart,
    reading,
    setParts,
  } = createSourceBody(source, file, {
    signal,
    onBytes,
    // A resumable upload records the MD5 of each part.
    hashesParts: uploads === undefined,
    partSizeBytes: inParts ? partSizeBytes : undefined,
    // A directory is read back for the same ETag on its thread.
    byEtag: abilitiesOf(target).hashedReads !== undefined,
  });
  const body = limiter === undefined ? whole : pacedBody(whole, limiter, signal);
  const options = putOptions(file, context);
  const put = (): Promise<PutResult> =>
    uploads === undefined || context.uploads === undefined
      ? putStoppable(file, body, options, context)
      : sendInParts(file, body, options, {
          ...context,
          uploads,
          journal: context.uploads,
          // Bytes read on another thread need no turn here.
          readPart: limiter === undefined ? readPart : undefined,
          onParts: setParts,
        });
  let stored: PutResult;
  try {
    stored = await putOrFind(target, file, signal, reading, put);
  } catch (error) {
    const { failure } = reading();
    const isOfSource = isStorageError(failure) && (failure.code === "not_found" || isRepeatableRead(failure));
    throw isOfSource ? failure : error;
  }
  return confirmArrival(file, stored, reading(), false, context);
}

/** Puts a file that cannot be resumed. A stop ends it unless hardly anything is left. */
async function putStoppable(
  file: PlannedFile,
  body: ReplayableBody,
  options: PutOptions,
  { target, stopSignal, underWay }: SendContext,
): Promise<PutResult> {
  const entry = underWay?.beginStream(file.sizeBytes, WHOLE_BYTES);
  try {
    return await target.put(file.key, stoppableBody(file, body, target.name, stopSignal, entry), options);
  } finally {
    entry?.end();
  }
}

function stoppableBody(
  { key, sizeBytes }: PlannedFile,
  body: ReplayableBody,
  backend: string,
  stopSignal: AbortSignal | undefined,
  entry: StreamUnderWay | undefined,
): ReplayableBody {
  async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
    let position = start;
    for await (const chunk of body.open({ start, end })) {
      if (sizeBytes - position > WHOLE_BYTES) throwIfAborted(stopSignal, "copy", key, backend);
      position += chunk.byteLength;
      yield chunk;
      entry?.at(position);
    }
  }
  return { sizeBytes, open: ({ start, end } = { start: 0 }) => read(start, end ?? sizeBytes) };
}

/** Bytes as a body. */
function bodyOf(bytes: Uint8Array): ReplayableBody {
  return {
    sizeBytes: bytes.byteLength,
    async *open({ start, end } = { start: 0 }) {
      yield bytes.subarray(start, end);
    },
  };
}

/** The same body in slices that each wait for their turn. */
function pacedBody(
  body: ReplayableBody,
  limiter: BandwidthLimiter,
  signal: AbortSignal | undefined,
): ReplayableBody {
  return {
    sizeBytes: body.sizeBytes,
    async *open(range) {
      for await (const chunk of body.open(range)) {
        for (let at = 0; at < chunk.byteLength; at += limiter.sliceBytes) {
          const slice = chunk.subarray(at, at + limiter.sliceBytes);
          await limiter.take(slice.byteLength, signal);
          yield slice;
        }
      }
    },
  };
}

/**
 * Whether reading the source failed in a way that another read may cure: the listed version is gone, or the bytes were
 * damaged or lost on the way. `op` distinguishes both from failures of the target.
 */
export function isRepeatableRead({ code, op }: StorageError): boolean {
  return op === "get" && (code === "precondition_failed" || code === "corrupt");
}

/** Whether these bytes are known to be the source's: its MD5 was compared, it is a directory, or its ETag matches. */
function isSourceProven(
  source: StorageBackend,
  { etag, md5, sizeBytes }: PlannedFile,
  bytes: Uint8Array,
): boolean {
  if (md5 !== undefined || source.capabilities.listProves === "none") return true;
  const check = createEtagCheck(etag, sizeBytes);
  check.update(bytes);
  return check.matches();
}
