import type { GetResult, ListPage, StorageBackend, StorageError } from "@parquetry/core";
import { objectBody } from "@parquetry/core/backend";

/** One call of a backend's method, as a fault plan sees it. */
export interface FaultyCall {
  /** The method. */
  readonly op: "head" | "get" | "put" | "list" | "delete" | "copy";
  /** The key, or the prefix of a listing; for delete the empty text. */
  readonly path: string;
  /** The how-many-th call of this method it is, from 1. */
  readonly nth: number;
}

/** What goes wrong with a call. */
export interface Fault {
  /**
   * `before`: nothing happened. `after`: it happened, and the answer is lost. `body`: the body of a get, or a listing,
   * breaks off after `afterBytes` bytes or `afterPages` pages.
   */
  readonly when: "before" | "after" | "body";
  /** What the caller gets to see. */
  readonly error: StorageError;
  /** With `body`: how many bytes come through. Default 0. */
  readonly afterBytes?: number;
  /** With `body` of a listing: how many pages come through. Default 0. */
  readonly afterPages?: number;
}

/** Says what goes wrong with a call, or undefined for nothing. */
export type FaultPlan = (call: FaultyCall) => Fault | undefined;

/**
 * A backend that fails as planned, over one that does not.
 *
 * @example
 * ```ts
 * const flaky = faulty(backend, ({ op, nth }) => (op === "get" && nth === 1 ? { when: "before", error } : undefined));
 * ```
 */
export function faulty(backend: StorageBackend, plan: FaultPlan): StorageBackend {
  const counts = new Map<string, number>();
  const next = (op: FaultyCall["op"], path: string): Fault | undefined => {
    const nth = (counts.get(op) ?? 0) + 1;
    counts.set(op, nth);
    return plan({ op, path, nth });
  };
  const call = async <T>(op: FaultyCall["op"], path: string, run: () => Promise<T>): Promise<T> => {
    const fault = next(op, path);
    if (fault?.when === "before") throw fault.error;
    const result = await run();
    if (fault?.when === "after") throw fault.error;
    return result;
  };

  return {
    name: backend.name,
    capabilities: backend.capabilities,
    url: (key) => backend.url(key),
    head: (key, options) => call("head", key, () => backend.head(key, options)),
    async get(key, options): Promise<GetResult> {
      const fault = next("get", key);
      if (fault !== undefined && fault.when !== "body") throw fault.error;
      const { info, body } = await backend.get(key, options);
      if (fault === undefined) return { info, body };
      const cut = fault;
      async function* broken(): AsyncGenerator<Uint8Array> {
        let left = cut.afterBytes ?? 0;
        for await (const chunk of body) {
          if (chunk.byteLength > left) {
            if (left > 0) yield chunk.subarray(0, left);
            throw cut.error;
          }
          left -= chunk.byteLength;
          yield chunk;
        }
      }
      return { info, body: objectBody(broken(), () => body.cancel()) };
    },
    put: (key, body, options) => call("put", key, () => backend.put(key, body, options)),
    copy: (from, to, options) => call("copy", from, () => backend.copy(from, to, options)),
    async *list(options = {}): AsyncGenerator<ListPage> {
      const fault = next("list", options.prefix ?? "");
      let left = fault?.afterPages ?? 0;
      for await (const page of backend.list(options)) {
        if (fault !== undefined && left-- <= 0) throw fault.error;
        yield page;
      }
    },
    async *delete(keys, options) {
      const fault = next("delete", "");
      if (fault?.when === "before") throw fault.error;
      yield* backend.delete(keys, options);
      if (fault?.when === "after") throw fault.error;
    },
    close: () => backend.close(),
  };
}
