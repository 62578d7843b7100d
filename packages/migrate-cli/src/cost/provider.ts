import type { StorageBackend } from "@parquetry/core/backend";

/** A store with a price list. */
export type Provider = "r2" | "s3";

/**
 * Whose prices a backend's requests are charged by, or undefined where they are free.
 *
 * @example
 * ```ts
 * providerOf(backend); // "r2" | "s3" | undefined
 * ```
 */
export function providerOf(backend: Pick<StorageBackend, "name">): Provider | undefined {
  return backend.name === "r2" || backend.name === "s3" ? backend.name : undefined;
}

/**
 * Whether a backend is reached by requests that cost time and money: any that is no directory.
 *
 * @example
 * ```ts
 * isRemote(disk); // false
 * ```
 */
export function isRemote(backend: Pick<StorageBackend, "name">): boolean {
  return backend.name !== "local";
}
