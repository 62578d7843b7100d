import { abilitiesOf, isStorageError, type Key, type StorageBackend } from "@parquetry/core/backend";
import { compareParts, type PlacedVersion } from "./compare-parts.ts";
import { type Action, decide, type Side } from "./decide.ts";
import { inParts, keepHash } from "./keep-hash.ts";
import { likelyPartSizes } from "./multipart-etag.ts";
import { createOpaqueProver, type ListedContent, type ReadingOptions } from "./prove-opaque.ts";
import { hashParts, hashVersion } from "./read-version.ts";

/** Options of {@link createProver}. */
export interface ProverOptions extends ReadingOptions {
  /** Overwrite files that are not proven equal. Default false. */
  readonly force?: boolean | undefined;
}

/** One key and the object that each side has under it. */
export interface ContentPair {
  readonly key: Key;
  readonly source?: ListedContent | undefined;
  readonly target?: ListedContent | undefined;
}

/** Decides pairs. `distrust` reads both sides, whatever the cache and the listing claim. */
export interface Prover {
  /** The same pair with the MD5s that were recorded when its contents were read here; they outrank the listing's. */
  recall(pair: ContentPair): ContentPair;
  /** Decides a recalled pair by what the listings prove; undefined if that is not enough. */
  decide(pair: ContentPair, distrust?: boolean): FinalAction | undefined;
  /** Decides a recalled pair, and reads the sides that the decision needs. */
  prove(pair: ContentPair, distrust?: boolean): Promise<FinalAction>;
  /** How many bytes `proveTogether` would hash of a recalled pair; undefined if it needs `prove`. */
  bytesTogether(pair: ContentPair): number | undefined;
  /**
   * Proves recalled pairs with {@link Prover.bytesTogether}, whose files are hashed together. Returns undefined in place of a pair
   * that needs `prove`, and a promise where more is read, which rejects as `prove` does.
   */
  proveTogether(
    pairs: readonly ContentPair[],
  ): Promise<readonly (FinalAction | Promise<FinalAction> | undefined)[]>;
  /** How many bytes of both sides `prove` will read; without those whose need only shows while it reads. */
  bytesToRead(pair: ContentPair, distrust?: boolean): number;
}

/** An {@link Action} that is final; `overwrite` stands for a file that is not proven equal, with `force`. */
export type FinalAction = Exclude<Action, { readonly type: "read" }>["type"] | "overwrite";

/**
 * Makes the {@link Prover} of two backends: {@link decide}, with the hashes of a directory's files. A bucket is read only
 * with `distrust`; a multipart object is proven by the hash that was recorded when it was written or read from this
 * machine, or by computing the ETag that the directory's file would have.
 *
 * An object that changes or vanishes while it is read is `unverifiable`.
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
  // Every key is proven once, so what is recorded from now on is not looked up.
  const lookUp = options.hashCache?.isEmpty === true ? undefined : options.hashCache;
  const hashOf = createHasher(options, lookUp);
  const [onlyReadable, ...otherReadable] = readable;
  const disk = otherReadable.length === 0 ? onlyReadable : undefined;
  const hashTogether = disk && abilitiesOf(backends[disk]).hashedReads?.hashTogether;

  /**
   * Objects with the same parts have the same ETag. If one side is a directory and the other a multipart object, the ETag
   * that the file would have is computed.
   */
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

  // A recorded MD5 outranks the listing's: a damaged object keeps its ETag.
  const known = (side: Side, info: ListedContent | undefined): ListedContent | undefined => {
    const md5 = info && lookUp?.get(backends[side].url(info.key), info.etag);
    return info === undefined || md5 === undefined || md5 === info.md5 ? info : { ...info, md5 };
  };

  const forced = (action: FinalAction): FinalAction =>
    options.force === true && (action === "differs" || action === "unverifiable") ? "overwrite" : action;

  const proveOpaque = createOpaqueProver(backends, options);

  /**
   * Whether a large file of a directory and an object of a bucket are equal byte by byte. False if they are not compared like this:
   * then a hash was recorded that has to be confirmed, or replaced. Records what proves the pair without reading the object.
   */
  const areSameBytes = async (left: ListedContent, right: ListedContent): Promise<boolean> => {
    const [disk, ...others] = readable;
    if (disk === undefined || others.length > 0) return false;
    const bucket = disk === "source" ? "target" : "source";
    const [file, object] = disk === "source" ? [left, right] : [right, left];
    const { hashCache, signal, onRead } = options;
    const isRecorded = (side: Side, { key, etag }: ListedContent): boolean =>
      hashCache?.get(backends[side].url(key), etag) !== undefined;
    if (isRecorded(disk, file) || isRecorded(bucket, object)) return false;
    const since = Date.now();
    const placed = (side: Side, version: ListedContent): PlacedVersion => ({
      backend: backends[side],
      version,
      onBytes: (bytes) => onRead?.(side, bytes),
    });
    const found = await compareParts(placed(disk, file), placed(bucket, object), signal);
    if (found === undefined) return false;
    const { etag, partSize } = found;
    if (etag === object.etag)
      await keepHash(hashCache, backends[disk], file, { md5: etag.slice(0, 32), since, partSize });
    else if (object.md5 === undefined && hashCache !== undefined) {
      // Nothing but an MD5 of the whole proves this object later.
      const { md5 } = await hashVersion(backends[disk], file, { signal });
      for (const [side, info] of [[disk, file] as const, [bucket, object] as const])
        await keepHash(hashCache, backends[side], info, { md5, since });
    }
    return true;
  };

  const prove = async (
    left: ListedContent,
    right: ListedContent,
    distrust: boolean,
  ): Promise<FinalAction> => {
    let [a, b] = [left, right];
    let action = decide(a, b, { readable, distrust });
    if (distrust && action.type === "read" && (await areSameBytes(left, right))) return "skip";
    if (action.type === "read") {
      const { sides } = action;
      const md5Of = async (side: Side, info: ListedContent, facts: ListedContent): Promise<ListedContent> =>
        sides.includes(side) ? { ...facts, md5: await hashOf(side, backends[side], info) } : facts;
      [a, b] = await Promise.all([md5Of("source", left, a), md5Of("target", right, b)]);
      action = decide(a, b);
    }
    return conclude(left, right, a, b, action, distrust);
  };

  const conclude = async (
    left: ListedContent,
    right: ListedContent,
    a: ListedContent,
    b: ListedContent,
    action: Action,
    distrust: boolean,
  ): Promise<FinalAction> => {
    if (action.type === "unverifiable") return proveMultipart(left, right);
    const looksDifferent = action.type === "differs" && left.sizeBytes === right.sizeBytes;
    return looksDifferent && !distrust ? proveOpaque(a, b) : final(action);
  };

  /** An object that changes or vanishes while it is read cannot be verified. */
  const unlessChanged = async (proof: Promise<FinalAction>): Promise<FinalAction> => {
    try {
      return forced(await proof);
    } catch (error) {
      if (isStorageError(error, "precondition_failed") || isStorageError(error, "not_found"))
        return "unverifiable";
      throw error;
    }
  };

  return {
    recall(pair) {
      const { key, source: left, target: right } = pair;
      if (left === undefined || right === undefined) return pair;
      return { key, source: known("source", left), target: known("target", right) };
    },
    decide({ source: left, target: right }, distrust = false) {
      const action = decide(left, right, { readable, distrust });
      // Different content of the same size may be encrypted, which another request shows.
      const isFinal = action.type !== "read" && action.type !== "unverifiable";
      if (action.type === "differs" && left?.sizeBytes === right?.sizeBytes) return undefined;
      return isFinal ? forced(action.type) : undefined;
    },
    async prove({ source: left, target: right }, distrust = false) {
      if (left === undefined || right === undefined) return final(decide(left, right));
      return unlessChanged(prove(left, right, distrust));
    },
    bytesTogether({ source: left, target: right }) {
      if (hashTogether === undefined || left === undefined || right === undefined) return undefined;
      const action = decide(left, right, { readable });
      // A side that is not `readable` is never in `sides`.
      return action.type === "read" ? left.sizeBytes : undefined;
    },
    async proveTogether(pairs) {
      const files = pairs.flatMap((pair) => (disk && pair[disk]) ?? []);
      if (disk === undefined || hashTogether === undefined || files.length !== pairs.length)
        return pairs.map(() => undefined);
      const versions = files.map(({ key, sizeBytes, etag }) => ({ key, sizeBytes, etag }));
      const hashes = await hashTogether(versions, { signal: options.signal }).catch((error: unknown) => {
        // `prove` reports the failure of each file.
        if (options.signal?.aborted || !isStorageError(error)) throw error;
        return [];
      });
      return pairs.map((pair, i) => {
        const [file, hashed] = [files[i], hashes[i]];
        const { source: left, target: right } = pair;
        if (file === undefined || hashed === undefined || left === undefined || right === undefined)
          return undefined;
        options.onRead?.(disk, file.sizeBytes);
        const { md5, mayKeep } = hashed;
        if (mayKeep) options.hashCache?.set(backends[disk].url(file.key), file.etag, md5);
        const known = { ...file, md5 };
        const [a, b] = disk === "source" ? [known, right] : [left, known];
        const action = decide(a, b);
        if (action.type === "skip") return "skip";
        const proof = unlessChanged(conclude(left, right, a, b, action, false));
        // The caller may await another one first.
        proof.catch(() => {});
        return proof;
      });
    },
    bytesToRead({ source: left, target: right }, distrust = false) {
      if (left === undefined || right === undefined) return 0;
      const action = decide(left, right, { readable, distrust });
      return action.type === "read" ? action.sides.length * left.sizeBytes : 0;
    },
  };
}

function final(action: Action): FinalAction {
  // With both hashes, `decide` asks for nothing more to be read.
  return action.type === "read" ? "unverifiable" : action.type;
}

type Hasher = (
  side: Side,
  backend: StorageBackend,
  info: ListedContent,
  partSize?: number,
) => Promise<string>;

/** Returns an object's MD5, or the multipart ETag it would have with a part size, and records the hashes it computes. */
function createHasher(
  { hashCache, signal, onRead }: ReadingOptions,
  lookUp: ReadingOptions["hashCache"],
): Hasher {
  return async (side, backend, info, partSize) => {
    const url = backend.url(info.key);
    const parts = Math.ceil(info.sizeBytes / (partSize ?? info.sizeBytes));
    const known = partSize === undefined ? undefined : lookUp?.get(url, inParts(info.etag, partSize));
    if (known !== undefined) return `${known}-${parts}`;
    const since = Date.now();
    const onBytes = (bytes: number): void => onRead?.(side, bytes);
    if (partSize !== undefined) {
      // Read and hashed on another thread, and once: without the MD5 of the whole.
      const etag = await hashParts(backend, info, { partSize, signal, onBytes });
      if (etag !== undefined) {
        await keepHash(hashCache, backend, info, { md5: etag.slice(0, 32), since, partSize });
        return etag;
      }
    }
    const { md5, multipartEtags } = await hashVersion(backend, info, {
      signal,
      partSizes: partSize === undefined ? [] : [partSize],
      onBytes,
    });
    if ((lookUp?.get(url, info.etag) ?? info.md5) !== md5)
      await keepHash(hashCache, backend, info, { md5, since });
    const [etag] = multipartEtags;
    if (etag === undefined) return md5;
    await keepHash(hashCache, backend, info, { md5: etag.slice(0, 32), since, partSize });
    return etag;
  };
}
