import { type BigIntStats, fstatSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import {
  type GetOptions,
  type Key,
  type ObjectBody,
  objectBody,
  StorageError,
  throwIfAborted,
} from "@parquetry/core/backend";
import { reusedMemory } from "@parquetry/core/unstable";
import { localError } from "./local-error.ts";

/** The size of a read, in bytes. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Returns the bytes `start` to `end` of an open file. If the file was edited in place during the read, the body ends with an
 * error. The handle is closed when the body ends, fails or is cancelled.
 */
export function readFile(
  handle: FileHandle,
  opened: BigIntStats,
  range: { readonly start: number; readonly end: number },
  key: Key,
  path: string,
  { mayReuseMemory = false, signal }: Pick<GetOptions, "mayReuseMemory" | "signal">,
): ObjectBody {
  // The only chunk of a small file needs no memory but its own.
  const memory =
    mayReuseMemory && range.end - range.start > CHUNK_BYTES
      ? Buffer.from(reusedMemory(new ArrayBuffer(CHUNK_BYTES)))
      : undefined;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let position = range.start; position < range.end; ) {
        throwIfAborted(signal, "get", key, "local");
        const length = Math.min(CHUNK_BYTES, range.end - position);
        const chunk = memory ?? Buffer.allocUnsafe(length);
        const { bytesRead } = await handle.read(chunk, 0, length, position);
        if (bytesRead === 0) throw changed(key, path);
        position += bytesRead;
        yield chunk.subarray(0, bytesRead);
      }
      // The ctime tells nothing here: it also moves when another file is renamed over this one, which leaves the bytes as they are.
      const now = fstatSync(handle.fd, { bigint: true });
      if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) throw changed(key, path);
    } catch (error) {
      throw localError(error, "get", key, path);
    } finally {
      await handle.close();
    }
  }
  return objectBody(chunks(), () => handle.close().catch(() => {}));
}

function changed(key: Key, path: string): StorageError {
  return new StorageError({
    code: "precondition_failed",
    op: "get",
    path: key,
    backend: "local",
    message: `get ${path}: the file changed during the read. Retry once the writer has finished.`,
  });
}
