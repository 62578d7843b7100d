import type { FileHandle } from "node:fs/promises";
import { type StorageBackend, StorageError } from "@parquetry/core";
import type { ObjectInfo } from "@parquetry/core/backend";
import type { ByteSpan } from "@parquetry/core/unstable/tables";

/** Chunks are written together up to this size: one call takes as long for a megabyte as for a chunk from the network. */
const WRITE_BYTES = 1024 * 1024;

export interface SpanFetch {
  readonly backend: StorageBackend;
  readonly handle: FileHandle;
  readonly info: ObjectInfo;
  readonly signal: AbortSignal | undefined;
  /** Called with the number of bytes of each chunk that arrives. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Fetches a span of an object into the same place of a file. */
export async function fetchSpan(
  { backend, handle, info, signal, onBytes }: SpanFetch,
  { start, end }: ByteSpan,
): Promise<void> {
  let at = start;
  let chunks: Uint8Array[] = [];
  let waiting = 0;
  const write = async (): Promise<void> => {
    const [bytes, to] = [chunks, at];
    at += waiting;
    chunks = [];
    waiting = 0;
    await writeAt(handle, bytes, to);
  };
  const { body } = await backend.get(info.key, { range: { start, end }, ifMatch: info.etag, signal });
  for await (const chunk of body) {
    chunks.push(chunk);
    waiting += chunk.byteLength;
    onBytes?.(chunk.byteLength);
    if (waiting >= WRITE_BYTES) await write();
  }
  await write();
  if (at !== end) throw cutOff(info, start, end, at);
}

/** Writes chunks one after the other from a place of a file on. */
export async function writeAt(handle: FileHandle, chunks: readonly Uint8Array[], at: number): Promise<void> {
  let rest = chunks;
  for (let to = at; rest.length > 0; ) {
    const { bytesWritten } = await handle.writev(rest, to);
    to += bytesWritten;
    rest = without(rest, bytesWritten);
  }
}

/** Chunks without their first bytes: one call may write a part of them. */
function without(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skip = bytes;
  return chunks.flatMap((chunk) => {
    const rest = chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.byteLength);
    return rest.byteLength > 0 ? [rest] : [];
  });
}

function cutOff({ key }: ObjectInfo, start: number, end: number, at: number): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "sql",
    path: key,
    message: `sql: ${key} was truncated: received ${at - start} of the ${end - start} bytes from ${start} on. Run the query again.`,
  });
}
