import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Key, parseKey, type StorageBackend } from "@parquetry/core";
import { listObjects, type ReplayableBody } from "@parquetry/core/backend";

/** Parses a key. */
export const key = (path: string): Key => parseKey(path);

/** Returns the UTF-8 bytes of a string. */
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Puts a short string and returns its ETag. */
export async function putText(backend: StorageBackend, path: string, text: string): Promise<string> {
  return (await backend.put(key(path), utf8(text))).etag;
}

/** Gets a short string. */
export async function getText(backend: StorageBackend, path: string): Promise<string> {
  const { body } = await backend.get(key(path));
  return new TextDecoder().decode(await body.bytes());
}

/** Returns all keys below a prefix, in the order of the listing. */
export async function keysBelow(
  backend: StorageBackend,
  prefix = "",
  startAfter?: string,
): Promise<string[]> {
  const keys: string[] = [];
  const options = { prefix: prefix === "" ? ("" as const) : key(prefix), startAfter };
  for await (const info of listObjects(backend, options)) keys.push(info.key);
  return keys;
}

/** Returns pseudo-random bytes, the same for one seed: compression or text handling would change them. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    // xorshift32 (Marsaglia, "Xorshift RNGs", 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
  return bytes;
}

/** Returns the MD5 of bytes in hex. */
export const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

/** Returns bytes as a body that can be read more than once. */
export function bodyOf(bytes: Uint8Array): ReplayableBody {
  return {
    sizeBytes: bytes.byteLength,
    async *open({ start, end = bytes.byteLength } = { start: 0 }) {
      yield bytes.subarray(start, end);
    },
  };
}

/** Expects an object to have exactly these bytes. */
export async function expectContent(
  backend: StorageBackend,
  path: string,
  expected: Uint8Array,
): Promise<void> {
  const { body } = await backend.get(key(path));
  assert.equal(md5(await body.bytes()), md5(expected), `${path} has other bytes`);
}
