import type { BigIntStats } from "node:fs";
import { type FileHandle, lstat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import {
  type BackendCapabilities,
  checked,
  type DeleteResult,
  type GetOptions,
  type HashedWrites,
  isStorageError,
  type Key,
  type Leftovers,
  type ListOptions,
  type ListPage,
  type ObjectBody,
  type ObjectInfo,
  objectBody,
  type Prefix,
  type PutOptions,
  type PutResult,
  preconditionFailed,
  type Renames,
  resolveRange,
  type StorageBackend,
  type StorageError,
  throwIfAborted,
  withAbilities,
} from "@parquetry/core/backend";
import { checkOptions, MAX_KEY_BYTES, type OptionKinds, yieldIfDue } from "@parquetry/core/unstable";
import { atomicDelete, atomicWrite, writeBody } from "./atomic-write.ts";
import { openDataRoot } from "./data-root.ts";
import { DiskPace } from "./disk-pace.ts";
import { hashedReads } from "./hashed-reads.ts";
import { Sweeper } from "./leftovers.ts";
import { listTree } from "./list-tree.ts";
import { localError, pathOf } from "./local-error.ts";
import { localEtag } from "./local-etag.ts";
import { checkFolder, localPath } from "./local-path.ts";
import { fileOnly, openFile } from "./open-file.ts";
import { readFile } from "./read-file.ts";
import { READ_CALLS, readSmallFile } from "./read-small-file.ts";
import { type ReadingThread, startReadingThread } from "./reading-thread.ts";
import { removeLeftovers } from "./remove-leftovers.ts";
import { renameFile } from "./rename-file.ts";
import { RANGE_BYTES, ThreadIsOver, writeHashed } from "./write-hashed.ts";

/** Options of {@link createLocalBackend}. */
export interface LocalBackendOptions {
  /** The folder that holds the data. It must exist. A relative path is resolved from the working directory. */
  readonly root: string;
}

const LOCAL_OPTIONS: OptionKinds<LocalBackendOptions> = { root: "string" };

const CAPABILITIES: BackendCapabilities = {
  listProves: "none",
  maxSinglePutBytes: Number.MAX_SAFE_INTEGER,
  partSizeBytes: Number.MAX_SAFE_INTEGER,
  maxParts: 1,
  deleteBatchSize: 1,
  listPageSize: 1000,
  maxKeyBytes: MAX_KEY_BYTES,
  keyNormalization: "none",
  hierarchicalKeys: true,
};

/**
 * Opens a directory as a {@link StorageBackend}. Writes are atomic and durable, preconditions hold across processes, and
 * no key leads out of the root: symbolic links are not followed.
 *
 * @throws StorageError `invalid_argument` if the root is missing or not a folder.
 * @example
 * ```ts
 * const storage = new Storage(await createLocalBackend({ root: "./data" }));
 * ```
 */
export async function createLocalBackend(options: LocalBackendOptions): Promise<StorageBackend> {
  checkOptions(options, LOCAL_OPTIONS, "createLocalBackend");
  const dataRoot = await openDataRoot(options.root);
  const root = dataRoot.path;
  const pace = new DiskPace();
  let thread: ReadingThread | undefined;
  const started = (): ReadingThread => {
    thread ??= startReadingThread((ms, calls) => pace.took(ms, calls));
    return thread;
  };
  const sweeper = new Sweeper();

  /** Runs an operation on a key's file, and explains every failure of the file system. */
  const explained = async <T>(
    op: string,
    key: Key,
    signal: AbortSignal | undefined,
    run: (path: string) => Promise<T>,
  ): Promise<T> => {
    throwIfAborted(signal, op, key, "local");
    const path = localPath(root, key, op);
    try {
      return await run(path);
    } catch (error) {
      throw await explain(error, op, key, path);
    }
  };

  /** The same, after a check that no link leads to another folder. */
  const onFile: typeof explained = (op, key, signal, run) =>
    explained(op, key, signal, async (path) => {
      await checkFolder(root, path, key, op);
      return run(path);
    });

  /** A missing file is reported as `unavailable` if the whole root is missing, as after a drive was unplugged. */
  const explain = async (error: unknown, op: string, key: string, path: string): Promise<StorageError> => {
    const explained = localError(error, op, key, path);
    const isGone = explained.code === "not_found" && !(await dataRoot.isThere());
    return isGone ? dataRoot.gone(op, key, error) : explained;
  };

  const write = (
    path: string,
    key: Key,
    options: PutOptions,
    writeTo: (handle: FileHandle) => Promise<void>,
  ): Promise<PutResult> =>
    atomicWrite(root, path, key, options, writeTo, (folder) => sweeper.beforePut(folder));

  const backend: StorageBackend = {
    name: "local",
    capabilities: CAPABILITIES,
    url: (key: Prefix = "") => (key === "" ? root : join(root, ...key.split("/"))),

    head: (key, options) =>
      onFile("head", key, options?.signal, async (path) =>
        objectInfo(key, fileOnly(await lstat(path, { bigint: true }), key, path)),
      ),

    get: (key, options = {}) =>
      explained("get", key, options.signal, async (path) => {
        // A small file is read on this thread, so a caller that reads many of them would never let another one run.
        await yieldIfDue();
        throwIfAborted(options.signal, "get", key, "local");
        const small =
          options.range === undefined && pace.isQuick
            ? pace.now(() => readSmallFile(path), READ_CALLS)
            : undefined;
        if (small !== undefined)
          return { info: matching(key, small.stats, options), body: bytesBody(small.bytes) };
        pace.later();
        const { handle, stats } = await openFile(root, path, key, "get");
        try {
          const info = matching(key, stats, options);
          const range = resolveRange(options.range, info.sizeBytes, key, "local");
          return { info, body: readFile(handle, stats, range, key, path, options) };
        } catch (error) {
          await handle.close();
          throw error;
        }
      }),

    put: (key, body, options = {}) =>
      onFile("put", key, options.signal, async (path) => {
        await dataRoot.check("put", key);
        return write(path, key, options, (handle) => writeBody(handle, key, body, options));
      }),

    async *list(options = {}): AsyncGenerator<ListPage> {
      const { prefix = "", signal } = options;
      throwIfAborted(signal, "list", prefix, "local");
      const folder = prefix === "" ? root : localPath(root, prefix, "list");
      try {
        if (prefix !== "") await checkFolder(root, join(folder, "x"), prefix, "list");
        await dataRoot.check("list", prefix);
        let isWhole = true;
        const onUnreadable: ListOptions["onUnreadable"] = (entry) => {
          isWhole = false;
          options.onUnreadable?.(entry);
        };
        yield* listTree(folder, prefix, {
          ...options,
          onUnreadable: options.onUnreadable && onUnreadable,
          onOwnName: (folder) => sweeper.note(folder),
          pace,
          pageSize: CAPABILITIES.listPageSize,
        });
        // If the drive was unplugged, no folder could be read.
        if (!isWhole) await dataRoot.check("list", prefix);
      } catch (error) {
        // Names the folder that failed, not the one that was listed.
        const at = pathOf(error) ?? folder;
        const below = relative(folder, at).split(sep).join("/");
        throw await explain(error, "list", [prefix, below].filter(Boolean).join("/"), at);
      }
    },

    async *delete(keys, options): AsyncGenerator<DeleteResult> {
      for await (const key of keys) {
        try {
          await onFile("delete", key, options?.signal, (path) => atomicDelete(root, path));
          yield { key };
        } catch (error) {
          if (!isStorageError(error) || error.code === "aborted") throw error;
          yield { key, error };
        }
      }
    },

    copy: (from, to, options = {}) =>
      explained("copy", from, options.signal, async (source) => {
        const { handle, stats } = await openFile(root, source, from, "copy");
        const all = { start: 0, end: Number(stats.size) };
        const body = readFile(handle, stats, all, from, source, {
          mayReuseMemory: true,
          signal: options.signal,
        });
        try {
          return await onFile("copy", to, options.signal, async (path) => {
            await dataRoot.check("copy", to);
            return write(path, to, options, (handle) => writeBody(handle, to, body, options));
          });
        } finally {
          await body.cancel();
        }
      }),

    async close() {
      const open = thread;
      thread = undefined;
      await open?.close();
    },
  };
  const leftovers: Leftovers = {
    removeListed: () => sweeper.noted(),
    removeAll: (options) => removeLeftovers({ ...options, root }),
  };
  const renames: Renames = {
    rename: (from, to, options = {}) =>
      onFile("rename", from, options.signal, (path) => {
        const sibling = (key: Key): string => localPath(root, key, "rename");
        return renameFile(path, sibling(to), (options.removing ?? []).map(sibling));
      }),
  };
  const hashedWrites: HashedWrites = {
    rangeBytes: RANGE_BYTES,
    put: (key, body, options) =>
      onFile("put", key, options.signal, async (path) => {
        await dataRoot.check("put", key);
        return unlessOver(
          write(path, key, options, async (file) => {
            options.check(await writeHashed(started(), body, { ...options, key, file }));
          }),
        );
      }),
  };
  return checked(
    withAbilities(backend, {
      hashedReads: hashedReads(root, pace, started),
      hashedWrites,
      renames,
      leftovers,
    }),
  );
}

/** The result; undefined if the thread has ended. */
async function unlessOver<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof ThreadIsOver) return undefined;
    throw error;
  }
}

/** Returns the facts of a file, or throws if a get asks for another version. */
function matching(key: Key, stats: BigIntStats, { ifMatch }: GetOptions): ObjectInfo {
  const info = objectInfo(key, stats);
  if (ifMatch !== undefined && ifMatch !== info.etag) {
    throw preconditionFailed("local", "get", key, ifMatch, info.etag);
  }
  return info;
}

function bytesBody(bytes: Uint8Array): ObjectBody {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (bytes.byteLength > 0) yield bytes;
  }
  return { ...objectBody(chunks(), async () => {}), bytes: async () => bytes };
}

function objectInfo(key: Key, stats: BigIntStats): ObjectInfo {
  return { key, sizeBytes: Number(stats.size), etag: localEtag(stats), lastModified: stats.mtime };
}
