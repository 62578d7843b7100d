import type { StorageBackend } from "@parquetry/core/backend";

/** A provider with a price table. */
export type Provider = "r2" | "s3";

/** Returns the provider that charges for a backend's requests, or undefined if they are free. */
export function providerOf(backend: Pick<StorageBackend, "name">): Provider | undefined {
  return backend.name === "r2" || backend.name === "s3" ? backend.name : undefined;
}

/** Whether a backend is reached by requests that cost time and money, as every backend but a directory is. */
export function isRemote(backend: Pick<StorageBackend, "name">): boolean {
  return backend.name !== "local";
}
