import { hash } from "node:crypto";
import { type ObjectInfo, type StorageBackend, throwIfAborted } from "@parquetry/core/backend";
import type { HashedBytes, HashedReads } from "@parquetry/storage/backend";
import { checkLength } from "./check-length.ts";

/** The version of an object that a listing told of. */
export type ListedVersion = Pick<ObjectInfo, "key" | "etag" | "sizeBytes">;

/**
 * Reads the listed version of a small object into memory, and hashes it.
 *
 * @throws StorageError of the backend; `precondition_failed` where the object has changed since it was listed; `corrupt`
 * where it gave fewer or more bytes than it has.
 */
export async function readWhole(
  backend: StorageBackend,
  version: ListedVersion,
  signal: AbortSignal | undefined,
): Promise<HashedBytes> {
  const hashed = await readHashed(backend, version, signal);
  if (hashed !== undefined) return hashed;
  const { body } = await backend.get(version.key, { ifMatch: version.etag, signal });
  const bytes = await body.bytes();
  checkLength(backend, version, bytes.byteLength);
  return { bytes, md5: hash("md5", bytes, "hex"), release() {} };
}

/** The same where a backend reads and hashes on a thread of its own, as a directory does; else undefined. */
export async function readHashed(
  backend: StorageBackend,
  { key, etag, sizeBytes }: ListedVersion,
  signal: AbortSignal | undefined,
): Promise<HashedBytes | undefined> {
  if (!isHashing(backend)) return undefined;
  throwIfAborted(signal, "get", key, backend.name);
  return backend.readHashed(key, { etag, sizeBytes });
}

/** Tells a backend which has a thread for it that it will be read from soon. */
export function expectReads(backend: StorageBackend): void {
  if (isHashing(backend)) backend.expectReads();
}

/** Found out by name: a wrapper may hide it, and then this thread does all of it. */
function isHashing(backend: StorageBackend): backend is StorageBackend & HashedReads {
  return "readHashed" in backend && "expectReads" in backend;
}
