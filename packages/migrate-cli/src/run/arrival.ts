import { type PutResult, type StorageBackend, StorageError } from "@parquetry/core/backend";
import type { PlannedFile } from "../plan/migration-plan.ts";
import type { HashCache } from "../proof/hash-cache.ts";
import { keepHash } from "../proof/keep-hash.ts";
import { hashLike, hashVersion } from "../proof/read-version.ts";

/** The facts about a file that reading it at the source has shown so far. */
export interface SourceReading {
  /** The MD5 of the whole file in hex, once it was read from beginning to end. */
  readonly md5: string | undefined;
  /** The multipart ETag of the parts that were read, once they make up the whole file. */
  readonly multipartEtag?: string | undefined;
  /** The size of these parts, if nothing but them was hashed. */
  readonly partSizeBytes?: number | undefined;
  /** Whether the bytes are known to be the source's: by its MD5 or ETag, or because a directory is read without a network. */
  readonly isProven: boolean;
  /** Why the last reading failed, if it did: a store may report another error instead. */
  readonly failure?: unknown;
}

/**
 * The proof that the target holds the bytes that were sent. `md5`: it compared their MD5 before it stored them. `etag`: its
 * ETag is the one of these bytes. `read back`: they were read again from a target that is a directory.
 */
export type ArrivalProof = "md5" | "etag" | "read back" | "none";

/** A file that has arrived at the target. */
export interface Arrival {
  /** Its size in bytes: not the planned one if the source's file changed since. */
  readonly sizeBytes: number;
  /** The target's version of it. */
  readonly etag: string;
  /** The MD5 of the bytes that were sent, in hex; absent if the parts of a large file were hashed alone, and prove it. */
  readonly md5?: string | undefined;
  /** The proof that the target holds the bytes that were sent. */
  readonly proof: ArrivalProof;
  /** Whether the bytes that were sent are known to be those of the source. */
  readonly isSourceProven: boolean;
}

/** Where a file was sent from and to. */
export interface ArrivalContext {
  /** Where the file is. */
  readonly source: StorageBackend;
  /** Where it was sent. */
  readonly target: StorageBackend;
  /** Records the hashes that both sides have proven. */
  readonly hashCache?: HashCache | undefined;
  /** When the file was read first, or earlier, in milliseconds since 1970. */
  readonly since: number;
  /** Stops reading back. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares what a target stored with the bytes that were sent, reads them back from a directory if nothing else proves
 * them, and records their MD5, or that of their multipart ETag.
 *
 * @param proven the proof so far: `md5` if the target was given the MD5 and has compared it.
 * @throws StorageError `corrupt` if the target holds other bytes.
 */
export async function confirmArrival(
  file: PlannedFile,
  stored: PutResult,
  sent: SourceReading,
  proven: ArrivalProof,
  context: ArrivalContext,
): Promise<Arrival> {
  const { source, target, hashCache, since, signal } = context;
  const { key, sizeBytes } = file;
  const { multipartEtag } = sent;
  const md5 = sent.md5 ?? (await recordParts(file, stored, sent, context));
  const { etag } = stored;
  if (md5 !== undefined && sent.isProven) await keepHash(hashCache, source, file, { md5, since });
  if (
    stored.sizeBytes !== sizeBytes ||
    (md5 !== undefined && stored.md5 !== undefined && stored.md5 !== md5)
  ) {
    throw arrivedDamaged(target, file, `${stored.sizeBytes} bytes with MD5 ${stored.md5 ?? "unknown"}`);
  }
  // An ETag that equals the hash proves an object that was found after the answer to its PUT was lost.
  const isTagged = stored.md5 !== undefined || etag === md5 || etag === multipartEtag;
  const isDirectory = target.capabilities.listProves === "none";
  let proof: ArrivalProof = proven === "none" && isTagged ? "etag" : proven;
  const expected = md5 ?? (sent.partSizeBytes === undefined ? undefined : multipartEtag);
  if (proof === "none" && isDirectory && expected !== undefined) {
    // A directory proves nothing when it writes; its file is still in the page cache.
    const back = await hashLike({ ...sent, md5 }, target, { key, etag, sizeBytes }, signal);
    if (back !== expected) throw arrivedDamaged(target, file, `${md5 ? "MD5" : "multipart ETag"} ${back}`);
    proof = "read back";
  }
  // Recorded if the listing will not show it, since it would cost a GET to learn again; and if an earlier record of this
  // ETag disagrees, since the same content has the same ETag, damaged or not.
  const url = target.url(key);
  if (md5 !== undefined && (hashCache?.get(url, etag) ?? stored.md5) !== md5) {
    await keepHash(hashCache, target, { key, etag }, { md5, since, atOnce: !isDirectory });
  }
  return { sizeBytes, etag, md5, proof, isSourceProven: sent.isProven };
}

/**
 * Records a file of which only the parts were hashed by the ETag that these give it, which `verify` compares with the object's.
 * If the target's ETag is another one, as with SSE-KMS, or was recorded for other content, only an MD5 of the whole file can
 * prove the object later: the file is read again for it.
 *
 * @returns that MD5, or undefined if it is not needed.
 */
async function recordParts(
  file: PlannedFile,
  stored: PutResult,
  { multipartEtag, partSizeBytes, isProven }: SourceReading,
  { source, target, hashCache, since, signal }: ArrivalContext,
): Promise<string | undefined> {
  if (hashCache === undefined || multipartEtag === undefined || partSizeBytes === undefined) return undefined;
  const isTagged = stored.etag === multipartEtag;
  const isDirectory = source.capabilities.listProves === "none";
  if (isTagged && isProven && isDirectory)
    await keepHash(hashCache, source, file, {
      md5: multipartEtag.slice(0, 32),
      since,
      partSize: partSizeBytes,
    });
  if (!isDirectory || (isTagged && hashCache.get(target.url(file.key), stored.etag) === undefined))
    return undefined;
  const again = await hashVersion(source, file, { signal, partSizes: [partSizeBytes] });
  return again.multipartEtags[0] === multipartEtag ? again.md5 : undefined;
}

function arrivedDamaged(target: StorageBackend, file: PlannedFile, found: string): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "put",
    path: file.key,
    backend: target.name,
    message: `put ${target.url(file.key)}: the bytes that arrived are not the ones that were sent (${file.sizeBytes} bytes sent; ${found} stored). Run again with --force to replace them.`,
  });
}
