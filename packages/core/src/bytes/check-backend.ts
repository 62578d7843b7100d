import { type CustomKind, invalid, isOfKind, showBriefly } from "./check-arguments.ts";
import type { StorageBackend } from "./storage-backend.ts";

/**
 * Checks that an argument is a backend, for callers without types.
 *
 * @param name the argument's name in the error.
 * @throws StorageError `invalid_argument` where it is not a backend.
 * @example
 * ```ts
 * checkBackend(source, "source", "runMigration");
 * ```
 */
export function checkBackend(backend: StorageBackend, name: string, op: string): void {
  const given: unknown = backend;
  if (isOfKind(BACKEND, given)) return;
  // An address is not shown: it may hold a secret.
  const shown = typeof given === "string" ? "a string" : showBriefly(given);
  const remedy = isOfKind(PROMISE, given)
    ? "; await it first"
    : typeof given === "string"
      ? "; open an address first: await openBackend(address)"
      : "";
  throw invalid(
    op,
    `${name} must be a StorageBackend, such as createMemoryBackend() or openBackend("s3://bucket") of @parquetry/storage return, got ${shown}${remedy}`,
  );
}

const BACKEND: CustomKind = {
  expected: "a StorageBackend",
  is: (value) => {
    const { capabilities, url, get, put, list } = value as Partial<StorageBackend>;
    return (
      typeof capabilities === "object" &&
      capabilities !== null &&
      [url, get, put, list].every((method) => typeof method === "function")
    );
  },
};
const PROMISE: CustomKind = { expected: "a promise", is: (value) => value instanceof Promise };
