import type { Hash } from "node:crypto";
import { createHash } from "#platform";
import { type CustomKind, checkArgument } from "./check-arguments.ts";
import type { Key } from "./key.ts";
import type { PutOptions } from "./storage-backend.ts";
import { bodyMismatch } from "./write-errors.ts";

const BYTES: CustomKind = { expected: "a Uint8Array", is: (value) => value instanceof Uint8Array };

/** Compares a body with its announced hashes. */
export interface BodyCheck {
  /** Adds the next bytes of the body. */
  update(chunk: Uint8Array): void;
  /** Ends the body. @throws StorageError `corrupt` if a hash differs. */
  finish(): void;
}

/**
 * Returns the check of a put's body. It computes only the hashes that were announced.
 *
 * @example
 * ```ts
 * const check = bodyCheck("mine", key, options);
 * for await (const chunk of openBody(body)) check.update(chunk);
 * check.finish();
 * ```
 */
export function bodyCheck(backend: string, key: Key, options: PutOptions): BodyCheck {
  checkArgument(options, "object", "options", "put");
  const { sha256, md5 } = options;
  const announced: { readonly name: string; readonly expected: string; readonly hash: Hash }[] = [];
  if (sha256 !== undefined) {
    announced.push({ name: "SHA-256", expected: sha256, hash: createHash("sha256") });
  }
  if (md5 !== undefined) announced.push({ name: "MD5", expected: md5, hash: createHash("md5") });
  return {
    update(chunk) {
      checkArgument(chunk, BYTES, "chunk", "put");
      for (const { hash } of announced) hash.update(chunk);
    },
    finish() {
      for (const { name, expected, hash } of announced) {
        const actual = hash.digest("hex");
        if (actual !== expected) throw bodyMismatch(backend, key, name, expected, actual);
      }
    },
  };
}
