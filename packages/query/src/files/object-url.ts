import { StorageError } from "@parquetry/core";
import type { ObjectAccess } from "@parquetry/core/unstable";

/** Characters that httpfs does not interpret. */
const PLAIN = /^[A-Za-z0-9_.=~/-]*$/;

/** The URL of an object for httpfs, or, with an empty key, of all objects. */
export function objectUrl({ bucket, prefix }: Pick<ObjectAccess, "bucket" | "prefix">, key: string): string {
  return `s3://${[bucket, prefix, key].filter((part) => part !== "").join("/")}${key === "" ? "/" : ""}`;
}

/** True for an {@link objectUrl} that httpfs requests unchanged. */
export function isPlainUrl(url: string): boolean {
  return PLAIN.test(url.slice("s3://".length));
}

/** The host and port of an endpoint. @throws StorageError `not_supported` for an endpoint with a path, which httpfs cannot reach. */
export function endpointHost(endpoint: string): { readonly host: string; readonly isSecure: boolean } {
  const { host, protocol, pathname } = new URL(endpoint);
  if (pathname !== "/") {
    throw new StorageError({
      code: "not_supported",
      op: "openQuery",
      message: `openQuery: remote: "httpfs" cannot reach an endpoint with a path (${pathname}). Remove the option.`,
    });
  }
  return { host, isSecure: protocol === "https:" };
}
