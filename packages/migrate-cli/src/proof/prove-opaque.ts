import { createHash } from "node:crypto";
import { type ObjectInfo, type StorageBackend, StorageError } from "@parquetry/core/backend";
import type { Side } from "./decide.ts";
import type { HashCache } from "./hash-cache.ts";
import { readVersion } from "./read-version.ts";

/** The facts of a listing that a proof needs. */
export type ListedContent = Omit<ObjectInfo, "lastModified">;

/** How the two sides are read. */
export interface ReadingOptions {
  /** Keeps the hashes of the files that were read. Default: they are not kept. */
  readonly hashCache?: HashCache | undefined;
  /** Stops reading. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes read, and their side. */
  readonly onRead?: ((side: Side, bytes: number) => void) | undefined;
}

/** The verdict on a pair that differs by its listings. */
export type OpaqueVerdict = "skip" | "differs" | "unverifiable";

/**
 * Makes the function that looks again at two objects of one size whose MD5s differ by their listings. A listing does not
 * show that an object is encrypted with a customer's key (SSE-KMS, SSE-C), and the ETag of such an object looks like an MD5
 * without being one. So one HEAD asks a bucket for the object's own facts, unless its content was recorded here.
 *
 * An object whose ETag is not an MD5 is compared by the SHA-256 that Parquetry records with every object it writes. Without
 * one, nothing is proven.
 */
export function createOpaqueProver(
  backends: Readonly<Record<Side, StorageBackend>>,
  { hashCache, signal, onRead }: ReadingOptions,
): (left: ListedContent, right: ListedContent) => Promise<OpaqueVerdict> {
  /** The object's own facts, without the listing's claim about its MD5. */
  const factsOf = async (side: Side, info: ListedContent): Promise<ListedContent> => {
    const backend = backends[side];
    const recorded = hashCache?.get(backend.url(info.key), info.etag);
    if (recorded !== undefined) return { ...info, md5: recorded };
    if (backend.capabilities.listProves === "none") return info;
    const found = await backend.head(info.key, { signal });
    if (found.etag === info.etag) return found;
    throw new StorageError({
      code: "precondition_failed",
      op: "head",
      path: info.key,
      backend: backend.name,
      message: `head ${backend.url(info.key)}: the object has changed since it was listed.`,
    });
  };

  const sha256Of = async (side: Side, info: ListedContent): Promise<string | undefined> => {
    if (info.sha256 !== undefined) return info.sha256;
    const backend = backends[side];
    if (backend.capabilities.listProves !== "none") return undefined;
    const hash = createHash("sha256");
    for await (const chunk of readVersion(backend, info, { mayReuseMemory: true, signal })) {
      hash.update(chunk);
      onRead?.(side, chunk.byteLength);
    }
    return hash.digest("hex");
  };

  return async (left, right) => {
    const [a, b] = await Promise.all([factsOf("source", left), factsOf("target", right)]);
    if (a.md5 !== undefined && b.md5 !== undefined) return a.md5 === b.md5 ? "skip" : "differs";
    // If one side cannot have a SHA-256, the other need not be read.
    const isMute = ({ sha256 }: ListedContent, side: Side): boolean =>
      sha256 === undefined && backends[side].capabilities.listProves !== "none";
    if (isMute(a, "source") || isMute(b, "target")) return "unverifiable";
    const [x, y] = await Promise.all([sha256Of("source", a), sha256Of("target", b)]);
    if (x === undefined || y === undefined) return "unverifiable";
    return x === y ? "skip" : "differs";
  };
}
