import { abilitiesOf, withAbilities } from "../abilities.ts";
import { checkOptions } from "../check-arguments.ts";
import { checkBackend } from "../check-backend.ts";
import { checked, unchecked } from "../checked.ts";
import type { Key } from "../key.ts";
import {
  isReplayable,
  type ObjectBody,
  objectBody,
  openReplayable,
  type PutBody,
  type ReplayableBody,
} from "../object-body.ts";
import type { DeleteResult, GetResult, StorageBackend } from "../storage-backend.ts";
import { AdaptiveLimit, LIMIT_OPTIONS, type LimitOptions, type Slot } from "./adaptive-limit.ts";

/**
 * Returns a backend that runs a limited number of operations concurrently, first come, first served. The limit adapts:
 * `rate_limited`, `unavailable` and a `timeout` of the store halve it, successes raise it again. A get counts until its body
 * has ended or was cancelled, a listing while it fetches a page. An operation that waits for its caller instead of the store
 * lends its place to those that wait.
 *
 * Put it inside `retrying`, so that an operation that waits before its next attempt does not count.
 *
 * @example
 * ```ts
 * const backend = retrying(limited(bare, { maxConcurrent: 32 }));
 * ```
 */
export function limited(inner: StorageBackend, options: LimitOptions = {}): StorageBackend {
  checkBackend(inner, "inner", "limited");
  checkOptions(options, LIMIT_OPTIONS, "limited");
  const backend = unchecked(inner);
  const limit = new AdaptiveLimit(options);
  const { name } = backend;

  const run = async <T>(
    op: string,
    path: string,
    signal: AbortSignal | undefined,
    call: (slot: Slot) => Promise<T>,
  ): Promise<T> => {
    const slot = await limit.acquire(signal, op, path, name);
    try {
      const result = await call(slot);
      slot.release();
      return result;
    } catch (error) {
      slot.release(error);
      throw error;
    }
  };

  /** Counts an iteration while it fetches its next item. */
  async function* counted<T>(
    op: string,
    path: string,
    signal: AbortSignal | undefined,
    items: AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await run(op, path, signal, () => iterator.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  const wrapped: StorageBackend = {
    name,
    capabilities: backend.capabilities,
    url: (key) => backend.url(key),
    head: (key, options) => run("head", key, options?.signal, () => backend.head(key, options)),
    copy: (from, to, options) => run("copy", from, options?.signal, () => backend.copy(from, to, options)),
    put: (key, body, options) =>
      run("put", key, options?.signal, (slot) => backend.put(key, countedSource(body, slot), options)),
    async get(key, options): Promise<GetResult> {
      const slot = await limit.acquire(options?.signal, "get", key, name);
      try {
        const { info, body } = await backend.get(key, options);
        return { info, body: countedBody(body, slot) };
      } catch (error) {
        slot.release(error);
        throw error;
      }
    },
    list: (options = {}) => counted("list", options.prefix ?? "", options.signal, backend.list(options)),
    async *delete(keys, options): AsyncGenerator<DeleteResult> {
      const slot = await limit.acquire(options?.signal, "delete", "", name);
      let failure: unknown;
      try {
        for await (const result of backend.delete(whileIdle(keys, slot), options)) {
          failure ??= result.error;
          slot.idle();
          yield result;
          slot.resume();
        }
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        slot.release(failure);
      }
    },
    close: () => backend.close(),
  };
  const { hashedReads, hashedWrites, resumableUploads, renames, ...others } = abilitiesOf(backend);
  return checked(
    withAbilities(wrapped, {
      ...others,
      hashedReads: hashedReads && {
        ...hashedReads,
        read: (key, version, options) =>
          run("get", key, options?.signal, (slot) => {
            // It may wait for memory that only its caller can release, and the caller may wait for a place.
            slot.idle();
            return hashedReads.read(key, version, options);
          }),
        hashTogether:
          hashedReads.hashTogether &&
          ((versions, options) =>
            run("get", versions[0]?.key ?? "", options?.signal, async (slot) => {
              slot.idle();
              return hashedReads.hashTogether?.(versions, options) ?? [];
            })),
      },
      hashedWrites: hashedWrites && {
        ...hashedWrites,
        put: (key, body, options) =>
          run("put", key, options.signal, (slot) => {
            // It waits for memory and for the body, which may need the place.
            slot.idle();
            return hashedWrites.put(key, body, options);
          }),
      },
      resumableUploads: resumableUploads && {
        upload: (key, body, options) =>
          run("put", key, options.signal, (slot) =>
            resumableUploads.upload(key, replayableSource(body, slot), {
              ...options,
              // A part may wait for memory that another upload releases, which may wait for a place.
              readPart: options.readPart && lending(options.readPart, slot),
              async onState(state) {
                slot.idle();
                await options.onState(state);
                slot.resume();
              },
            }),
          ),
        list: (prefix = "", options) =>
          counted("list", prefix, options?.signal, resumableUploads.list(prefix, options)),
        abort: (upload, options) =>
          run("abort", upload.key, options?.signal, () => resumableUploads.abort(upload, options)),
      },
      renames: renames && {
        rename: (from, to, options) =>
          run("rename", from, options?.signal, () => renames.rename(from, to, options)),
      },
    }),
  );
}

/** The body of a get: it keeps its place until it ends, and lends it while nobody reads. */
function countedBody(body: ObjectBody, slot: Slot): ObjectBody {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    slot.resume();
    try {
      for await (const chunk of body) {
        slot.idle();
        yield chunk;
        slot.resume();
      }
    } catch (error) {
      slot.release(error);
      throw error;
    } finally {
      slot.release();
    }
  }
  slot.idle();
  return objectBody(chunks(), async () => {
    slot.release();
    await body.cancel();
  });
}

/** The body of a put: its place is lent while the source has nothing to send. */
function countedSource(body: PutBody, slot: Slot): PutBody {
  if (body instanceof Uint8Array) return body;
  if (isReplayable(body)) return replayableSource(body, slot);
  // The backend refuses an invalid body.
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body
    ? whileIdle(body, slot)
    : body;
}

function replayableSource(body: ReplayableBody, slot: Slot): ReplayableBody {
  return { sizeBytes: body.sizeBytes, open: (range) => whileIdle(openReplayable(body, range), slot) };
}

/** The same function, which lends the place while it runs. */
function lending<A, R>(run: (argument: A) => Promise<R>, slot: Slot): (argument: A) => Promise<R> {
  return async (argument) => {
    slot.idle();
    try {
      return await run(argument);
    } finally {
      slot.resume();
    }
  };
}

/** Yields the items of `source`, and lends the place while waiting for one. */
async function* whileIdle<T extends Uint8Array | Key>(
  source: Iterable<T> | AsyncIterable<T>,
  slot: Slot,
): AsyncGenerator<T> {
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  try {
    for (;;) {
      slot.idle();
      const next = await iterator.next();
      slot.resume();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    slot.resume();
    await iterator.return?.();
  }
}
