import { type ObjectAccess, StorageError } from "@parquetry/core";

/** What httpfs takes as it is; it has rules of its own for anything else. */
const PLAIN = /^[A-Za-z0-9_.=~/-]*$/;

/** The URL of an object, or with an empty key of all of them, as httpfs writes it. */
export function objectUrl({ bucket, prefix }: Pick<ObjectAccess, "bucket" | "prefix">, key: string): string {
  return `s3://${[bucket, prefix, key].filter((part) => part !== "").join("/")}${key === "" ? "/" : ""}`;
}

/** True for an {@link objectUrl} that httpfs reads as it is meant. */
export function isPlainUrl(url: string): boolean {
  return PLAIN.test(url.slice("s3://".length));
}

/** True for the path of a file that lies in a store. */
export function isObjectUrl(path: string): boolean {
  return path.startsWith("s3://");
}

/** The host and port of an endpoint. @throws StorageError `not_supported` for one with a path, which httpfs cannot reach. */
export function endpointHost(endpoint: string): { readonly host: string; readonly isSecure: boolean } {
  const { host, protocol, pathname } = new URL(endpoint);
  if (pathname !== "/") {
    throw new StorageError({
      code: "not_supported",
      op: "openQuery",
      message: `openQuery: remote: "httpfs" cannot reach an endpoint with a path (${pathname}). Leave the option out.`,
    });
  }
  return { host, isSecure: protocol === "https:" };
}
