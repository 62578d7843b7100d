import {
  abilitiesOf,
  type BackendAbilities,
  type GetResult,
  objectBody,
  type StorageBackend,
  type StorageError,
  withAbilities,
} from "@parquetry/core/backend";
import { checkArgument, checkBackend, checkOptions, oneOf } from "@parquetry/core/unstable";

/** One call of a backend's method, or of an ability's, as a fault plan sees it. */
export interface FaultyCall {
  /** The method: of the backend, of `resumableUploads`, of `hashedReads`, of `hashedWrites`, of `directAccess`, of `renames`. */
  readonly op:
    | ("head" | "get" | "put" | "list" | "delete" | "copy")
    | ("upload" | "listUploads" | "abortUpload")
    | "readHashed"
    | "putHashed"
    | "access"
    | "rename";
  /** The key, or the prefix of a listing; the empty string for delete and access. */
  readonly path: string;
  /** The number of this call among those of the same method, from 1. */
  readonly nth: number;
}

/** How a call fails. */
export interface Fault {
  /**
   * `before`: nothing happened. `after`: it happened, and the answer is lost. `body`: the body of a get, a listing or an
   * upload breaks off after `afterBytes` bytes, `afterPages` pages or `afterParts` parts.
   */
  readonly when: "before" | "after" | "body";
  /** The error that the caller gets. */
  readonly error: StorageError;
  /** With `body` of a get: how many bytes come through. Default 0. */
  readonly afterBytes?: number;
  /** With `body` of a listing: how many pages, or unfinished uploads, come through. Default 0. */
  readonly afterPages?: number;
  /** With `body` of an upload: how many of its parts this call sends. Default 0. */
  readonly afterParts?: number;
}

/** Returns how a call fails, or undefined where it does not. */
export type FaultPlan = (call: FaultyCall) => Fault | undefined;

/** Options of {@link faulty}. */
export interface FaultyOptions {
  /** `hide`: the wrapper has no abilities. `pass`: it has those of its backend, and the plan covers them. Default `hide`. */
  readonly abilities?: "hide" | "pass" | undefined;
}

/**
 * Wraps a backend so that its calls fail as planned.
 *
 * @example
 * ```ts
 * const flaky = faulty(backend, ({ op, nth }) => (op === "get" && nth === 1 ? { when: "before", error } : undefined));
 * ```
 */
export function faulty(
  backend: StorageBackend,
  plan: FaultPlan,
  options: FaultyOptions = {},
): StorageBackend {
  checkBackend(backend, "backend", "faulty");
  checkArgument(plan, "function", "plan", "faulty");
  checkOptions(options, { abilities: oneOf("hide", "pass") }, "faulty");
  const { abilities = "hide" } = options;
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

  async function* broken<T>(fault: Fault | undefined, items: AsyncIterable<T>): AsyncGenerator<T> {
    let left = fault?.afterPages ?? 0;
    for await (const item of items) {
      if (fault !== undefined && left-- <= 0) throw fault.error;
      yield item;
    }
  }

  const wrapped: StorageBackend = {
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
      async function* cutBytes(): AsyncGenerator<Uint8Array> {
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
      return { info, body: objectBody(cutBytes(), () => body.cancel()) };
    },
    put: (key, body, options) => call("put", key, () => backend.put(key, body, options)),
    copy: (from, to, options) => call("copy", from, () => backend.copy(from, to, options)),
    async *list(options = {}) {
      checkArgument(options, "object", "options", "list");
      yield* broken(next("list", options.prefix ?? ""), backend.list(options));
    },
    async *delete(keys, options) {
      const fault = next("delete", "");
      if (fault?.when === "before") throw fault.error;
      yield* backend.delete(keys, options);
      if (fault?.when === "after") throw fault.error;
    },
    close: () => backend.close(),
  };
  if (abilities === "hide") return wrapped;
  const { hashedReads, hashedWrites, resumableUploads, directAccess, limitedTransfers, renames, leftovers } =
    abilitiesOf(backend);
  const passed: BackendAbilities = {
    hashedReads: hashedReads && {
      ...hashedReads,
      read: (key, ...rest) => call("readHashed", key, () => hashedReads.read(key, ...rest)),
      // Every object is read by a separate call, so that each of them can fail.
      hashTogether: undefined,
    },
    hashedWrites: hashedWrites && {
      ...hashedWrites,
      put: (key, ...rest) => call("putHashed", key, () => hashedWrites.put(key, ...rest)),
    },
    resumableUploads: resumableUploads && {
      async upload(key, body, options) {
        const fault = next("upload", key);
        if (fault?.when === "before") throw fault.error;
        let left = fault?.when === "body" ? (fault.afterParts ?? 0) : Number.POSITIVE_INFINITY;
        const stored = await resumableUploads.upload(key, body, {
          ...options,
          onState(state) {
            if (state.parts.length > 0 && left-- <= 0) throw fault?.error;
            return options.onState(state);
          },
        });
        if (fault?.when === "after") throw fault.error;
        return stored;
      },
      list: (prefix = "", options) =>
        broken(next("listUploads", prefix), resumableUploads.list(prefix, options)),
      abort: (upload, options) =>
        call("abortUpload", upload.key, () => resumableUploads.abort(upload, options)),
    },
    directAccess: directAccess && {
      access: (options) => call("access", "", () => directAccess.access(options)),
    },
    limitedTransfers,
    leftovers,
    renames: renames && {
      rename: (from, ...rest) => call("rename", from, () => renames.rename(from, ...rest)),
    },
  };
  return withAbilities(wrapped, passed);
}
