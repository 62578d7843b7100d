import { closeSync, mkdtempSync, openSync, read, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { promisify } from "node:util";
import { StorageError } from "@parquetry/core/backend";
import { checkArgument } from "@parquetry/core/unstable";

/** How many items a spool keeps in memory before it moves to a temporary file. */
export const SPOOL_MEMORY_ITEMS = 5_000;

const CHUNK_BYTES = 64 * 1024;

const readAt = promisify(read);

/** A list of JSON values that may be larger than memory. It can be read repeatedly, in the order of `push`. */
export interface Spool<T> extends AsyncIterable<T> {
  /** The number of items. */
  readonly length: number;
  /** Adds an item. */
  push(item: T): void;
  /** Returns the first `count` items, as far as they are in memory. */
  first(count: number): readonly T[];
  /** Removes the temporary file, if there is one. */
  close(): void;
}

/**
 * Makes a {@link Spool}, which is in memory while it is short and continues in a private temporary file.
 *
 * @param memoryItems how many items stay in memory. Default {@link SPOOL_MEMORY_ITEMS}.
 */
export function createSpool<T>(memoryItems: number = SPOOL_MEMORY_ITEMS): Spool<T> {
  const head: T[] = [];
  let length = 0;
  let folder: string | undefined;
  let descriptor: number | undefined;
  let pending: string[] = [];
  let pendingBytes = 0;

  const open = (): number => {
    if (descriptor !== undefined) return descriptor;
    try {
      folder = mkdtempSync(join(tmpdir(), "parquetry-"));
      descriptor = openSync(join(folder, "spool.ndjson"), "a+", 0o600);
    } catch (error) {
      throw failed("created", error);
    }
    // An open file whose name is deleted disappears with the process, however it ends. Windows cannot do that.
    if (process.platform !== "win32") removeFolder();
    return descriptor;
  };
  const removeFolder = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  };
  const flush = (): void => {
    if (pending.length === 0) return;
    const bytes = Buffer.from(pending.join(""));
    const file = open();
    try {
      for (let written = 0; written < bytes.byteLength; ) written += writeSync(file, bytes, written);
    } catch (error) {
      throw failed("written", error);
    }
    pending = [];
    pendingBytes = 0;
  };

  return {
    get length() {
      return length;
    },
    push(item) {
      length++;
      if (length <= memoryItems) {
        head.push(item);
        return;
      }
      const line = `${JSON.stringify(item)}\n`;
      pending.push(line);
      pendingBytes += line.length;
      if (pendingBytes >= CHUNK_BYTES) flush();
    },
    first(count) {
      checkArgument(count, "whole", "count", "first");
      return head.slice(0, count);
    },
    async *[Symbol.asyncIterator]() {
      yield* head;
      flush();
      if (descriptor === undefined) return;
      const decoder = new StringDecoder("utf8");
      const chunk = Buffer.alloc(CHUNK_BYTES);
      let rest = "";
      // By position, so that readers do not disturb each other. Not node:readline: it also splits at U+2028.
      for (let position = 0; ; ) {
        const { bytesRead } = await readAt(descriptor, chunk, 0, CHUNK_BYTES, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        const lines = (rest + decoder.write(chunk.subarray(0, bytesRead))).split("\n");
        rest = lines.pop() ?? "";
        // Only push writes to this file.
        for (const line of lines) yield JSON.parse(line) as T;
      }
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
      removeFolder();
      pending = [];
    },
  };
}

function failed(what: string, cause: unknown): StorageError {
  return new StorageError({
    code: "unavailable",
    op: "spool",
    message: `A temporary file in ${tmpdir()} cannot be ${what}: ${String(cause)}. Free some space, or set TMPDIR to another folder.`,
    cause,
  });
}
