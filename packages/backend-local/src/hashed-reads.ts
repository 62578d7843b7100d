import { constants } from "node:fs";
import { type HashedReads, throwIfAborted } from "@parquetry/core/backend";
import { abortedError, checkArgument, unlessAborted } from "@parquetry/core/unstable";
import { atRestCheck, isRested } from "./at-rest.ts";
import type { DiskPace } from "./disk-pace.ts";
import { localPath } from "./local-path.ts";
import { MAX_READ_BYTES, MEMORY_BYTES, type ReadingThread } from "./reading-thread.ts";

/** Without this flag, opening a file follows links, so `get` has to check the path. */
const CAN_READ = constants.O_NOFOLLOW !== undefined;

/**
 * Reads and hashes small files of a directory, and ranges of large ones, on a separate thread, which starts with the first read
 * or `prepare`.
 */
export function hashedReads(root: string, pace: DiskPace, started: () => ReadingThread): HashedReads {
  const isAtRest = atRestCheck();
  return {
    maxFileBytes: MAX_READ_BYTES,
    maxOutstandingBytes: MEMORY_BYTES,
    async read(key, { sizeBytes, etag }, { range = { start: 0, end: sizeBytes }, signal } = {}) {
      throwIfAborted(signal, "get", key, "local");
      const { start } = range;
      const length = range.end - start;
      const isInside = start >= 0 && length >= 0 && range.end <= sizeBytes;
      // Large files are read one after the other anyway, so they are hashed on the reading thread even if the disk is slow.
      const isQuick = pace.isQuick || length < sizeBytes;
      if (!CAN_READ || !isInside || length > MAX_READ_BYTES || !isQuick) return undefined;
      const path = localPath(root, key, "get");
      const reading = started().read({ path, etag, sizeBytes, start, length });
      try {
        return await unlessAborted(reading, signal);
      } catch (error) {
        void reading.then((read) => read?.release());
        throw signal?.aborted ? abortedError(signal, "get", key, "local") : error;
      }
    },
    async hashTogether(versions, { signal } = {}) {
      throwIfAborted(signal, "get", versions[0]?.key ?? "", "local");
      const since = Date.now();
      const bytes = versions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (!CAN_READ || bytes > MAX_READ_BYTES || !pace.isQuick) return versions.map(() => undefined);
      const files = versions.map(({ key, sizeBytes, etag }) => ({
        path: localPath(root, key, "get"),
        sizeBytes,
        etag,
      }));
      const hashing = started().hashTogether(files);
      try {
        const found = await unlessAborted(hashing, signal);
        return versions.map(({ etag }, i) => {
          const file = found[i];
          return file && { md5: file.md5, mayKeep: file.isOnDisk && isRested(etag, since) };
        });
      } catch (error) {
        throw signal?.aborted ? abortedError(signal, "get", versions[0]?.key ?? "", "local") : error;
      }
    },
    async mayKeepHash(key, etag, since) {
      checkArgument(etag, "string", "etag", "mayKeepHash");
      checkArgument(since, "number", "since", "mayKeepHash");
      return isAtRest(localPath(root, key, "get"), etag, since);
    },
    prepare() {
      if (CAN_READ) started();
    },
  };
}
