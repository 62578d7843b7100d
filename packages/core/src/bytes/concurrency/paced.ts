import { sleep } from "#platform";
import { abilitiesOf, withAbilities } from "../abilities.ts";
import { abortedError, throwIfAborted, unlessAborted } from "../abort.ts";
import { checkBackend } from "../check-backend.ts";
import { checked, unchecked } from "../checked.ts";
import type { Key } from "../key.ts";
import type { StorageBackend } from "../storage-backend.ts";
import { isStorageError, type StorageErrorCode } from "../storage-error.ts";

/** After these failures the store has certainly not written, so the next write need not wait. */
const NOT_WRITTEN: ReadonlySet<StorageErrorCode> = new Set([
  ...(["already_exists", "conflict", "corrupt", "invalid_argument", "not_found"] as const),
  ...(["permission_denied", "precondition_failed", "unauthenticated"] as const),
]);

/**
 * Returns a backend that writes no key more often than its store allows (`capabilities.writesPerSecondPerKey`): R2 answers
 * more than one write a second to the same key with 429. Writes to one key run one after the other, in the order of the
 * calls; other keys do not wait. A write that its precondition refused does not delay the next. Returns the backend itself
 * where the store has no such limit.
 *
 * Put it inside `retrying`, so that each attempt waits for its turn, and outside `limited`, so that a waiting write does not
 * count as an operation under way.
 *
 * @example
 * ```ts
 * const backend = retrying(paced(limited(bare)));
 * ```
 */
export function paced(inner: StorageBackend): StorageBackend {
  checkBackend(inner, "inner", "paced");
  const { writesPerSecondPerKey } = inner.capabilities;
  if (writesPerSecondPerKey === undefined) return inner;
  const backend = unchecked(inner);
  const intervalMs = 1000 / writesPerSecondPerKey;
  /** The last turn of each key that is being written or was a moment ago. It resolves to the time the next may begin. */
  const turns = new Map<Key, Promise<number>>();

  const inTurn = async <T>(
    op: string,
    key: Key,
    signal: AbortSignal | undefined,
    write: () => Promise<T>,
  ): Promise<T> => {
    const before = turns.get(key);
    let endTurn: (freeAt: number) => void = () => {};
    const turn = new Promise<number>((resolve) => {
      endTurn = resolve;
    });
    turns.set(key, turn);
    const end = (freeAt: number): void => {
      endTurn(freeAt);
      const forget = (): void => {
        if (turns.get(key) === turn) turns.delete(key);
      };
      setTimeout(forget, freeAt - performance.now()).unref();
    };
    try {
      if (before !== undefined) await waitUntil(before, signal);
      throwIfAborted(signal, op, key, backend.name);
    } catch (error) {
      // Aborted: later writes keep waiting for those ahead of them.
      void Promise.resolve(before ?? 0).then(end);
      throw signal?.aborted ? abortedError(signal, op, key, backend.name) : error;
    }
    let pauseMs = intervalMs;
    try {
      return await write();
    } catch (error) {
      if (isStorageError(error) && NOT_WRITTEN.has(error.code)) pauseMs = 0;
      throw error;
    } finally {
      end(performance.now() + pauseMs);
    }
  };

  const wrapped: StorageBackend = {
    name: backend.name,
    capabilities: backend.capabilities,
    url: (key) => backend.url(key),
    head: (key, options) => backend.head(key, options),
    get: (key, options) => backend.get(key, options),
    put: (key, body, options) => inTurn("put", key, options?.signal, () => backend.put(key, body, options)),
    list: (options) => backend.list(options),
    delete: (keys, options) => backend.delete(keys, options),
    copy: (from, to, options) => inTurn("copy", to, options?.signal, () => backend.copy(from, to, options)),
    close: () => backend.close(),
  };
  const { hashedWrites, resumableUploads, ...others } = abilitiesOf(backend);
  return checked(
    withAbilities(wrapped, {
      ...others,
      hashedWrites: hashedWrites && {
        ...hashedWrites,
        put: (key, body, options) =>
          inTurn("put", key, options.signal, () => hashedWrites.put(key, body, options)),
      },
      resumableUploads: resumableUploads && {
        ...resumableUploads,
        upload: (key, body, options) =>
          inTurn("put", key, options.signal, () => resumableUploads.upload(key, body, options)),
      },
    }),
  );
}

/** Waits until a turn has ended and the time it resolved to has come. */
async function waitUntil(turn: Promise<number>, signal: AbortSignal | undefined): Promise<void> {
  const waitMs = (await unlessAborted(turn, signal)) - performance.now();
  if (waitMs > 0) await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
}
