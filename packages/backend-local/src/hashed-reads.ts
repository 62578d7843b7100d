import { constants } from "node:fs";
import type { Key } from "@parquetry/core/backend";
import type { DiskPace } from "./disk-pace.ts";
import { localPath } from "./local-path.ts";
import {
  type HashedBytes,
  MAX_READ_BYTES,
  type ReadingThread,
  startReadingThread,
} from "./reading-thread.ts";

export type { HashedBytes } from "./reading-thread.ts";

/** What a directory can do beyond the byte contract: read and hash on a thread of its own. */
export interface HashedReads {
  /**
   * Reads one version of a small file whole, and its MD5. At most 32 MiB are out at a time; whoever asks for more waits until
   * some are given back.
   *
   * @param version its size in bytes and its ETag, as they were listed.
   * @returns undefined where `get` has to be asked: for a file above 8 MiB, another version, a failure (which it explains), a
   * disk that is slow to answer (of which `get` asks for many files at once).
   * @example
   * ```ts
   * const read = await backend.readHashed(key, { sizeBytes, etag });
   * try { if (read !== undefined) await bucket.put(key, read.bytes, { md5: read.md5 }); } finally { read?.release(); }
   * ```
   */
  readHashed(
    key: Key,
    version: { readonly sizeBytes: number; readonly etag: string },
  ): Promise<HashedBytes | undefined>;
  /** Starts the thread, which takes some 30 ms, before it is needed. Without it, the first read does. */
  expectReads(): void;
}

/** Where a link cannot be told from a file as it is opened, no file is simply there. */
const CAN_READ = constants.O_NOFOLLOW !== undefined;

/** The hashed reads of a folder. The thread is started when it is first needed, or expected to be. */
export function hashedReads(root: string, pace: DiskPace): HashedReads & { close(): Promise<void> } {
  let thread: ReadingThread | undefined;
  const started = (): ReadingThread => {
    thread ??= startReadingThread((ms, calls) => pace.took(ms, calls));
    return thread;
  };
  return {
    async readHashed(key, { sizeBytes, etag }) {
      if (!CAN_READ || sizeBytes > MAX_READ_BYTES || !pace.isQuick) return undefined;
      return started().read({ path: localPath(root, key, "get"), etag, length: sizeBytes });
    },
    expectReads() {
      if (CAN_READ) started();
    },
    async close() {
      const open = thread;
      thread = undefined;
      await open?.close();
    },
  };
}
