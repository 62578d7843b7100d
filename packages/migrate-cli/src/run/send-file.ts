import {
  abilitiesOf,
  type PutOptions,
  type PutResult,
  type ReplayableBody,
  type StorageBackend,
  throwIfAborted,
} from "@parquetry/core/backend";
import type { BandwidthLimiter } from "@parquetry/core/unstable";
import type { PlannedFile } from "../plan/migration-plan.ts";
import { createEtagCheck } from "../proof/multipart-etag.ts";
import { checkMd5, readWhole } from "../proof/read-version.ts";
import { type Arrival, confirmArrival, type SourceReading } from "./arrival.ts";
import { putOrFind } from "./put-or-find.ts";
import { receiveFile } from "./receive-file.ts";
import { causeOf } from "./repeatable-read.ts";
import type { SendContext } from "./send-context.ts";
import { isSentWhole, WHOLE_BYTES } from "./sent-whole.ts";
import { createSourceBody } from "./source-body.ts";
import type { StreamUnderWay } from "./under-way.ts";
import { sendInParts } from "./unfinished-uploads.ts";

/** Reads one version of a file and puts it: a small file in one piece, a large one as a stream or in parts. */
export async function sendFile(file: PlannedFile, context: SendContext): Promise<Arrival> {
  if (isSentWhole(file.sizeBytes, context.source, context.target)) return sendWhole(file, context);
  const received = await receiveFile(file, putOptions(file, context), context);
  return received ?? sendStreamed(file, context);
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
    return await confirmArrival(file, stored, reading, "md5", context);
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
    throw causeOf(error, reading().failure);
  }
  return confirmArrival(file, stored, reading(), "none", context);
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
