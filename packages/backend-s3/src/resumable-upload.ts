import { hash } from "node:crypto";
import {
  bodyCheck,
  collectBytes,
  isStorageError,
  type Key,
  type PutResult,
  type ReplayableBody,
  StorageError,
  throwIfAborted,
  type UploadState,
} from "@parquetry/core/backend";
import {
  type HashedBytes,
  mapConcurrent,
  type ResumableUploadOptions,
  type UploadedPart,
} from "@parquetry/core/unstable";
import {
  completeUpload,
  createUpload,
  partBytesFor,
  sendPart,
  type UploadTarget,
} from "./multipart-upload.ts";
import type { S3Connection } from "./s3-connection.ts";
import { PART_CONCURRENCY } from "./s3-profile.ts";
import { standingOf, type WriteLineage, writeLineage } from "./write-lineage.ts";

/**
 * Uploads by parts. If that fails, the parts stay in the store, and a later call or another process can resume. The parts that
 * the store has are read and compared but not sent again, so that changed parts of the body are noticed and sent. If the store
 * no longer has the upload, a new one is started.
 */
export async function resumableUpload(
  connection: S3Connection,
  key: Key,
  body: ReplayableBody,
  options: ResumableUploadOptions,
): Promise<PutResult> {
  const { resume, signal } = options;
  if (resume !== undefined) {
    checkState(connection, key, body, resume);
    const upload = { key, uploadId: resume.uploadId };
    const lineage = writeLineage(options, resume.writeId);
    try {
      return await sendRest(connection, upload, lineage, body, resume, options);
    } catch (error) {
      if (!isStorageError(error, "not_found") || error.storeCode !== "NoSuchUpload") throw error;
      // It has become the object, or was aborted.
      const standing = await standingOf(connection, key, lineage, signal);
      if (standing.is === "own") return standing.result;
    }
  }
  const lineage = writeLineage(options);
  const upload = await createUpload(connection, key, lineage, options.sha256, signal);
  const state: UploadState = {
    key,
    uploadId: upload.uploadId,
    writeId: lineage.id,
    sizeBytes: body.sizeBytes,
    partSizeBytes: partBytesFor(connection.profile, body.sizeBytes),
    asked: upload.asked,
    parts: [],
  };
  await options.onState(state);
  return sendRest(connection, upload, lineage, body, state, options);
}

async function sendRest(
  connection: S3Connection,
  upload: UploadTarget,
  lineage: WriteLineage,
  body: ReplayableBody,
  state: UploadState,
  options: ResumableUploadOptions,
): Promise<PutResult> {
  const { signal, stopSignal, readPart } = options;
  const { sizeBytes, partSizeBytes } = state;
  const have = new Map(state.parts.map((part) => [part.number, part]));
  const check = bodyCheck(connection.profile.name, upload.key, options);
  const starts = Array.from(
    { length: Math.max(1, Math.ceil(sizeBytes / partSizeBytes)) },
    (_, i) => i * partSizeBytes,
  );
  // Parts under way are sent to the end: mapConcurrent waits for them.
  const throwIfStopped = (): void => {
    throwIfAborted(signal, "put", upload.key, connection.profile.name);
    throwIfAborted(stopSignal, "put", upload.key, connection.profile.name);
  };
  // Takes one part at a time and in order, since the hash needs that; sends several concurrently. A thread hashes several parts
  // at the same time, so they are asked for at once.
  let reading: Promise<unknown> = Promise.resolve();
  const read = async (start: number): Promise<HashedBytes> => {
    throwIfStopped();
    const end = Math.min(start + partSizeBytes, sizeBytes);
    const asked = readPart?.({ start, end });
    // Its failure is thrown where it is awaited.
    asked?.catch(() => {});
    const next = reading.then(async () => {
      const read = await asked;
      if (read === undefined) throwIfStopped();
      const bytes = read?.bytes ?? (await collectBytes(body.open({ start, end })));
      const release = (): void => read?.release();
      if (bytes.byteLength === end - start) {
        check.update(bytes);
        return { bytes, md5: read?.md5 ?? hash("md5", bytes, "hex"), release };
      }
      release();
      throw changed(connection, upload.key);
    });
    reading = next.catch(() => {});
    return next;
  };
  await mapConcurrent(starts, PART_CONCURRENCY, async (start, index) => {
    const { bytes, md5, release } = await read(start);
    const number = index + 1;
    try {
      if (have.get(number)?.md5 === md5) return;
      const { etag } = await sendPart(connection, upload, bytes, md5, number, signal);
      have.set(number, { number, etag, md5 });
    } finally {
      release();
    }
    await options.onState({ ...state, parts: inOrder(have) });
  });
  check.finish();
  return completeUpload(connection, upload, inOrder(have), sizeBytes, lineage, options);
}

function inOrder(parts: ReadonlyMap<number, UploadedPart>): readonly UploadedPart[] {
  return [...parts.values()].sort((a, b) => a.number - b.number);
}

function checkState(connection: S3Connection, key: Key, body: ReplayableBody, state: UploadState): void {
  const { sizeBytes } = body;
  if (state.key === key && state.sizeBytes === sizeBytes && state.partSizeBytes > 0) return;
  throw new StorageError({
    code: "invalid_argument",
    op: "put",
    path: key,
    backend: connection.profile.name,
    message: `put ${key}: the state to resume belongs to ${state.key} with ${state.sizeBytes} bytes, but the body has ${sizeBytes}. Upload it again without \`resume\`.`,
  });
}

function changed(connection: S3Connection, key: Key): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "put",
    path: key,
    backend: connection.profile.name,
    message: `put ${key}: the body changed while it was read. Nothing was stored.`,
  });
}
