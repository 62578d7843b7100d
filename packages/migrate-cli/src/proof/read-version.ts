import { createHash, hash } from "node:crypto";
import {
  abilitiesOf,
  type ObjectInfo,
  type StorageBackend,
  StorageError,
  throwIfAborted,
} from "@parquetry/core/backend";
import { type HashedBytes, isYieldDue, mapConcurrent, yieldIfDue } from "@parquetry/core/unstable";
import { createMultipartHasher, etagOfParts } from "./multipart-etag.ts";

/** One version of an object, as it was listed. */
export type ListedVersion = Pick<ObjectInfo, "key" | "etag" | "sizeBytes">;

/** The largest piece that is passed on at once, in bytes: hashing it takes 2 ms. */
const PIECE_BYTES = 1024 * 1024;

/** How many parts are given to the thread, which hashes them at the same time. */
const PARTS_AHEAD = 4;

/** Options of {@link readVersion}. */
export interface ReadVersionOptions {
  /** Reads this part alone. Default: the whole object. */
  readonly range?: { readonly start: number; readonly end: number } | undefined;
  /** Whether a chunk may be overwritten once the next one is requested. Default false. */
  readonly mayReuseMemory?: boolean | undefined;
  /** Stops reading. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the listed version of an object, or a part of it, and checks its length.
 *
 * @throws StorageError of the backend; `precondition_failed` if the object has changed since it was listed; `corrupt`
 * after the last chunk if there were fewer or more bytes than listed.
 */
export async function* readVersion(
  backend: StorageBackend,
  { key, etag, sizeBytes }: ListedVersion,
  { range, mayReuseMemory = false, signal }: ReadVersionOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { body } = await backend.get(key, {
    ifMatch: etag,
    expectedBytes: sizeBytes,
    // It takes a connection and memory that are not worth it for small bodies.
    mayReuseMemory: mayReuseMemory && (range?.end ?? sizeBytes) - (range?.start ?? 0) > PIECE_BYTES,
    signal,
    ...(range === undefined ? {} : { range }),
  });
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // A backend in memory returns the whole object in one chunk, whose hash takes seconds.
    for (let at = 0; at < chunk.byteLength; at += PIECE_BYTES) {
      if (isYieldDue()) await yieldIfDue();
      throwIfAborted(signal, "get", key, backend.name);
      yield chunk.subarray(at, at + PIECE_BYTES);
    }
  }
  checkLength(backend, key, bytes, range === undefined ? sizeBytes : range.end - range.start);
}

/** Reads the listed version of a small object into memory and hashes it. Throws as {@link readVersion} does. */
export async function readWhole(
  backend: StorageBackend,
  version: ListedVersion,
  signal: AbortSignal | undefined,
): Promise<HashedBytes> {
  const hashed = await readHashed(backend, version, signal);
  if (hashed !== undefined) return hashed;
  const { body } = await backend.get(version.key, {
    ifMatch: version.etag,
    expectedBytes: version.sizeBytes,
    signal,
  });
  const bytes = await body.bytes();
  checkLength(backend, version.key, bytes.byteLength, version.sizeBytes);
  return { bytes, md5: hash("md5", bytes, "hex"), release() {} };
}

/** The hashes of an object's content. */
export interface ContentHashes {
  /** The MD5, in hex. */
  readonly md5: string;
  /** The multipart ETags that the content has for each of the requested part sizes. */
  readonly multipartEtags: readonly string[];
}

/** Options of {@link hashVersion}. */
export interface HashVersionOptions {
  /** Part sizes to compute the multipart ETag for. Default: none. */
  readonly partSizes?: readonly number[] | undefined;
  /** Stops reading. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the size of every chunk. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Reads the listed version of an object in bounded memory and hashes it. Throws as {@link readVersion} does. */
export async function hashVersion(
  backend: StorageBackend,
  version: ListedVersion,
  { signal, partSizes = [], onBytes }: HashVersionOptions = {},
): Promise<ContentHashes> {
  const hashed = partSizes.length === 0 ? await readHashed(backend, version, signal) : undefined;
  if (hashed !== undefined) {
    hashed.release();
    onBytes?.(version.sizeBytes);
    return { md5: hashed.md5, multipartEtags: [] };
  }
  const md5 = createHash("md5");
  const multipart = partSizes.map(createMultipartHasher);
  for await (const chunk of readVersion(backend, version, { mayReuseMemory: true, signal })) {
    md5.update(chunk);
    for (const hasher of multipart) hasher.update(chunk);
    onBytes?.(chunk.byteLength);
  }
  return { md5: md5.digest("hex"), multipartEtags: multipart.map((hasher) => hasher.etag()) };
}

/** Options of {@link hashParts}. */
export interface HashPartsOptions extends Omit<HashVersionOptions, "partSizes"> {
  /** The size of the parts, in bytes. */
  readonly partSize: number;
}

/**
 * Returns the multipart ETag of the listed version of an object, read and hashed part by part on the backend's thread.
 *
 * @returns undefined if the backend has no such thread, or leaves a part of this object to `get`.
 */
export async function hashParts(
  backend: StorageBackend,
  version: ListedVersion,
  { partSize, signal, onBytes }: HashPartsOptions,
): Promise<string | undefined> {
  const reads = abilitiesOf(backend).hashedReads;
  const { key, sizeBytes } = version;
  if (reads === undefined || Math.min(partSize, sizeBytes) > reads.maxFileBytes) return undefined;
  let bytes = 0;
  const md5Of = async (start: number): Promise<string> => {
    const range = { start, end: Math.min(start + partSize, sizeBytes) };
    const read = await reads.read(key, version, { range, signal });
    if (read === undefined) throw new LeftToGet();
    read.release();
    bytes += range.end - start;
    onBytes?.(range.end - start);
    return read.md5;
  };
  try {
    const starts = Array.from({ length: Math.ceil(sizeBytes / partSize) }, (_, i) => i * partSize);
    return etagOfParts(await mapConcurrent(starts, PARTS_AHEAD, md5Of));
  } catch (error) {
    if (!(error instanceof LeftToGet)) throw error;
    onBytes?.(-bytes);
    return undefined;
  }
}

/** The hash of content: its MD5, or else its multipart ETag with the size of the parts. */
export interface ContentHash {
  /** The MD5, in hex. */
  readonly md5: string | undefined;
  /** The multipart ETag. */
  readonly multipartEtag?: string | undefined;
  /** The size of its parts, in bytes. */
  readonly partSizeBytes?: number | undefined;
}

/** Reads the listed version of an object and returns its hash of the same kind as `like`, which has one. */
export async function hashLike(
  { md5, partSizeBytes }: ContentHash,
  backend: StorageBackend,
  version: ListedVersion,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (md5 !== undefined || partSizeBytes === undefined)
    return (await hashVersion(backend, version, { signal })).md5;
  const etag = await hashParts(backend, version, { partSize: partSizeBytes, signal });
  if (etag !== undefined) return etag;
  return (await hashVersion(backend, version, { signal, partSizes: [partSizeBytes] })).multipartEtags[0];
}

/** Ends {@link hashParts} where the thread leaves a part to `get`. */
class LeftToGet extends Error {}

/**
 * Compares the MD5 of the bytes that were read with the one that the source's listing proves, if there is one.
 *
 * @throws StorageError `corrupt` if they differ.
 */
export function checkMd5(
  backend: StorageBackend,
  { key, md5 }: Pick<ObjectInfo, "key" | "md5">,
  found: string,
): void {
  if (md5 === undefined || md5 === found) return;
  throw damaged(
    backend,
    key,
    `received bytes with MD5 ${found}, but the object has ${md5}. Nothing was copied; run again.`,
  );
}

function checkLength(backend: StorageBackend, key: ObjectInfo["key"], bytes: number, listed: number): void {
  if (bytes !== listed)
    throw damaged(backend, key, `received ${bytes} bytes, but the listing says ${listed}. Run again.`);
}

function damaged(backend: StorageBackend, key: ObjectInfo["key"], problem: string): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "get",
    path: key,
    backend: backend.name,
    message: `get ${backend.url(key)}: ${problem}`,
  });
}

/** Reads and hashes on the backend's thread, if it has one (a directory does) and takes this file. */
async function readHashed(
  backend: StorageBackend,
  { key, etag, sizeBytes }: ListedVersion,
  signal: AbortSignal | undefined,
): Promise<HashedBytes | undefined> {
  return abilitiesOf(backend).hashedReads?.read(key, { etag, sizeBytes }, { signal });
}

/** Starts the backend's reading thread, if it has one, before the first read needs it. */
export function expectReads(backend: StorageBackend): void {
  abilitiesOf(backend).hashedReads?.prepare();
}
