import type { Key } from "../key.ts";
import { isReplayable, type ObjectBody, objectBody, type PutBody } from "../object-body.ts";
import type { DeleteResult, GetResult, ListPage, StorageBackend } from "../storage-backend.ts";
import { AdaptiveLimit, type LimitOptions, type Slot } from "./adaptive-limit.ts";

/**
 * A backend with a limited number of operations under way, first come first served. The limit adapts: `rate_limited`,
 * `unavailable` and a store's `timeout` halve it, successes raise it again. A get counts until its body has ended or was cancelled, a listing while
 * it fetches a page. What waits for its caller rather than for the store gives its place to those who wait.
 *
 * Put it inside of `retrying`, so that an operation which waits before its next try holds no place.
 *
 * @example
 * ```ts
 * const backend = retrying(limited(bare, { maxConcurrent: 32 }));
 * ```
 */
export function limited(backend: StorageBackend, options: LimitOptions = {}): StorageBackend {
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

  return {
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
    async *list(options = {}): AsyncGenerator<ListPage> {
      const pages = backend.list(options)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await run("list", options.prefix ?? "", options.signal, () => pages.next());
          if (next.done) return;
          yield next.value;
        }
      } finally {
        await pages.return?.();
      }
    },
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
}

/** The body of a get: its place is taken until it ends, and lent while nobody reads. */
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

/** The body of a put: its place is lent while the source has nothing to give. */
function countedSource(body: PutBody, slot: Slot): PutBody {
  if (body instanceof Uint8Array) return body;
  if (isReplayable(body))
    return { sizeBytes: body.sizeBytes, open: (range) => whileIdle(body.open(range), slot) };
  // What is no body at all is for the backend to refuse.
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body
    ? whileIdle(body, slot)
    : body;
}

/** Gives what `source` gives; the place is lent while it is waited for. */
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
