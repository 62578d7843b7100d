import { createHash } from "node:crypto";
import { type StorageBackend, StorageError } from "@parquetry/core/backend";
import type { Side } from "../plan/decide.ts";
import { checkLength } from "./check-length.ts";
import type { ListedContent, ProverOptions } from "./prove-content.ts";

/** What a pair that looks different is. */
export type OpaqueVerdict = "skip" | "differs" | "unverifiable";

/**
 * Makes the function that looks again at two objects of one size whose MD5s differ by their listings. A listing does not
 * tell whether an object is encrypted under a customer's key (SSE-KMS, SSE-C), and the ETag of such a one looks like an MD5
 * and is none. So a bucket's object is asked for its own facts, by one HEAD, unless its content was noted here.
 *
 * An object whose ETag is none is held against the other side by the SHA-256 that Parquetry records with what it writes;
 * where there is none, nothing is proven.
 */
export function createOpaqueProver(
  backends: Readonly<Record<Side, StorageBackend>>,
  { hashCache, signal, onRead }: ProverOptions,
): (left: ListedContent, right: ListedContent) => Promise<OpaqueVerdict> {
  /** The facts that hold, the listing's claim about the MD5 aside. */
  const factsOf = async (side: Side, info: ListedContent): Promise<ListedContent> => {
    const backend = backends[side];
    const noted = hashCache?.get(backend.url(info.key), info.etag);
    if (noted !== undefined) return { ...info, md5: noted };
    if (backend.capabilities.listProves === "none") return info;
    const found = await backend.head(info.key, { signal });
    if (found.etag === info.etag) return found;
    throw new StorageError({
      code: "precondition_failed",
      op: "head",
      path: info.key,
      backend: backend.name,
      message: `head ${backend.url(info.key)}: it changed since it was listed.`,
    });
  };

  const sha256Of = async (side: Side, info: ListedContent): Promise<string | undefined> => {
    if (info.sha256 !== undefined) return info.sha256;
    const backend = backends[side];
    if (backend.capabilities.listProves !== "none") return undefined;
    const hash = createHash("sha256");
    const { body } = await backend.get(info.key, { ifMatch: info.etag, signal });
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      hash.update(chunk);
      onRead?.(side, chunk.byteLength);
    }
    checkLength(backend, info, bytes);
    return hash.digest("hex");
  };

  return async (left, right) => {
    const [a, b] = await Promise.all([factsOf("source", left), factsOf("target", right)]);
    if (a.md5 !== undefined && b.md5 !== undefined) return a.md5 === b.md5 ? "skip" : "differs";
    // A side that cannot tell spares the other one the reading.
    const isMute = ({ sha256 }: ListedContent, side: Side): boolean =>
      sha256 === undefined && backends[side].capabilities.listProves !== "none";
    if (isMute(a, "source") || isMute(b, "target")) return "unverifiable";
    const [x, y] = await Promise.all([sha256Of("source", a), sha256Of("target", b)]);
    if (x === undefined || y === undefined) return "unverifiable";
    return x === y ? "skip" : "differs";
  };
}
