import type { FileHandle } from "node:fs/promises";
import { type StorageBackend, StorageError } from "@parquetry/core";
import type { ObjectInfo } from "@parquetry/core/backend";
import type { ByteSpan } from "@parquetry/core/unstable/tables";

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
  const range = { start, end };
  const { body } = await backend.get(info.key, { range, ifMatch: info.etag, mayReuseMemory: true, signal });
  for await (const chunk of body) {
    await writeAt(handle, chunk, at);
    at += chunk.byteLength;
    onBytes?.(chunk.byteLength);
  }
  if (at !== end) throw cutOff(info, start, end, at);
}

/** Writes bytes to a place of a file: one call may write a part of them. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < bytes.byteLength; ) {
    written += (await handle.write(bytes, written, bytes.byteLength - written, at + written)).bytesWritten;
  }
}

function cutOff({ key }: ObjectInfo, start: number, end: number, at: number): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "sql",
    path: key,
    message: `sql: ${key} was truncated: received ${at - start} of the ${end - start} bytes from ${start} on. Run the query again.`,
  });
}
