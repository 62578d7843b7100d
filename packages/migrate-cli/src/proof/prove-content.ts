import { isStorageError, type Key, type ObjectInfo, type StorageBackend } from "@parquetry/core/backend";
import { type Action, decide, type Side } from "../plan/decide.ts";
import type { HashCache } from "./hash-cache.ts";
import { likelyPartSizes } from "./multipart-etag.ts";
import { createOpaqueProver } from "./prove-opaque.ts";
import { readContent } from "./read-content.ts";

/** What {@link createProver} works with. */
export interface ProverOptions {
  /** Overwrite what is not proven equal. Default false. */
  readonly force?: boolean | undefined;
  /** Where hashes of what was read are kept. Default: nowhere. */
  readonly hashCache?: HashCache | undefined;
  /** Stops reading. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes were read, and from which side. */
  readonly onRead?: ((side: Side, bytes: number) => void) | undefined;
}

/** The facts of a listing that a proof needs. */
export type ListedContent = Omit<ObjectInfo, "lastModified">;

/** One key and what each side has under it. */
export interface ContentPair {
  readonly key: Key;
  readonly source?: ListedContent | undefined;
  readonly target?: ListedContent | undefined;
}

/** Decides pairs that were recalled. `distrust` reads both sides, cache and listing aside. */
export interface Prover {
  /** The same pair, with the MD5s that were noted when its contents were read here: they go before what a listing claims. */
  recall(pair: ContentPair): ContentPair;
  /** Decides a pair, reading what the decision needs. */
  prove(pair: ContentPair, distrust?: boolean): Promise<FinalAction>;
  /** How much of both sides that is going to read, in bytes; what only turns out to be needed by reading is not in it. */
  bytesToRead(pair: ContentPair, distrust?: boolean): number;
}

/** An {@link Action} that needs nothing more to be known; `overwrite` is what `force` makes of what is not proven equal. */
export type FinalAction = Exclude<Action, { readonly type: "read" }>["type"] | "overwrite";

/**
 * Makes what turns a pair into its action: {@link decide}, fed with what a disk's files hold. A bucket is
 * read only where `distrust` asks for it; a multipart object is proven by the hash noted when it was written or read
 * from here, or by computing the ETag the disk's file would have.
 *
 * An object that changes or vanishes while it is read has no proof: `unverifiable`.
 */
export function createProver(
  source: StorageBackend,
  target: StorageBackend,
  options: ProverOptions = {},
): Prover {
  const backends = { source, target };
  const readable = (["source", "target"] as const).filter(
    (side) => backends[side].capabilities.listProves === "none",
  );
  const hashOf = createHasher(options);

  /** Two objects in the same parts have the same ETag. Where only one side is a disk and the other a multipart object, the disk's file tells which ETag it would have. */
  const proveMultipart = async (left: ListedContent, right: ListedContent): Promise<FinalAction> => {
    if (left.etag === right.etag && likelyPartSizes(left.etag, left.sizeBytes).length > 0) return "skip";
    const [disk, bucket] =
      source.capabilities.listProves === "none"
        ? (["source", "target"] as const)
        : (["target", "source"] as const);
    if (backends[disk].capabilities.listProves !== "none") return "unverifiable";
    const [file, object] = disk === "source" ? [left, right] : [right, left];
    const preferred = backends[bucket].capabilities.partSizeBytes;
    for (const size of likelyPartSizes(object.etag, file.sizeBytes, preferred)) {
      if ((await hashOf(disk, backends[disk], file, size)) === object.etag) return "skip";
    }
    return "unverifiable";
  };

  // A damaged object keeps its ETag.
  const known = (side: Side, info: ListedContent | undefined): ListedContent | undefined => {
    const md5 = info && options.hashCache?.get(backends[side].url(info.key), info.etag);
    return info === undefined || md5 === undefined || md5 === info.md5 ? info : { ...info, md5 };
  };

  const proveOpaque = createOpaqueProver(backends, options);

  const prove = async (
    left: ListedContent,
    right: ListedContent,
    distrust: boolean,
  ): Promise<FinalAction> => {
    let [a, b] = [left, right];
    let action = decide(a, b, { readable, distrust });
    if (action.type === "read") {
      const { sides } = action;
      const md5Of = async (side: Side, info: ListedContent, facts: ListedContent): Promise<ListedContent> =>
        sides.includes(side) ? { ...facts, md5: await hashOf(side, backends[side], info) } : facts;
      [a, b] = await Promise.all([md5Of("source", left, a), md5Of("target", right, b)]);
      action = decide(a, b);
    }
    if (action.type === "unverifiable") return proveMultipart(left, right);
    const looksDifferent = action.type === "differs" && left.sizeBytes === right.sizeBytes;
    return looksDifferent && !distrust ? proveOpaque(a, b) : final(action);
  };

  return {
    recall(pair) {
      const { key, source: left, target: right } = pair;
      if (left === undefined || right === undefined) return pair;
      return { key, source: known("source", left), target: known("target", right) };
    },
    async prove({ source: left, target: right }, distrust = false) {
      if (left === undefined || right === undefined) return final(decide(left, right));
      try {
        const action = await prove(left, right, distrust);
        return options.force === true && (action === "differs" || action === "unverifiable")
          ? "overwrite"
          : action;
      } catch (error) {
        if (isStorageError(error, "precondition_failed") || isStorageError(error, "not_found")) {
          return "unverifiable";
        }
        throw error;
      }
    },
    bytesToRead({ source: left, target: right }, distrust = false) {
      if (left === undefined || right === undefined) return 0;
      const action = decide(left, right, { readable, distrust });
      return action.type === "read" ? action.sides.length * left.sizeBytes : 0;
    },
  };
}

function final(action: Action): FinalAction {
  // Decided again with both hashes, nothing is left to read; if it were, nothing would be proven.
  return action.type === "read" ? "unverifiable" : action.type;
}

type Hasher = (
  side: Side,
  backend: StorageBackend,
  info: ListedContent,
  partSize?: number,
) => Promise<string>;

/** Reads an object's MD5, or the multipart ETag it would have for a part size, and remembers what it read. */
function createHasher({ hashCache, signal, onRead }: ProverOptions): Hasher {
  return async (side, backend, info, partSize) => {
    const url = backend.url(info.key);
    const inParts = `${info.etag} in parts of ${partSize}`;
    const parts = Math.ceil(info.sizeBytes / (partSize ?? info.sizeBytes));
    const known = partSize === undefined ? undefined : hashCache?.get(url, inParts);
    if (known !== undefined) return `${known}-${parts}`;
    const { md5, multipartEtags } = await readContent(backend, info, {
      signal,
      partSizes: partSize === undefined ? [] : [partSize],
      onBytes: (bytes) => onRead?.(side, bytes),
    });
    if ((hashCache?.get(url, info.etag) ?? info.md5) !== md5) hashCache?.set(url, info.etag, md5);
    const [etag] = multipartEtags;
    if (etag === undefined) return md5;
    hashCache?.set(url, inParts, etag.slice(0, 32));
    return etag;
  };
}
