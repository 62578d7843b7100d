import type { StorageErrorCode } from "./storage-error.ts";

/** Where the documentation site is served. */
export const DOCS_URL = "https://parquetry.github.io/parquetry/";

/** Returns the address of the documentation of an error code: its causes and remedies. */
export function helpUrl(code: StorageErrorCode): string {
  return `${DOCS_URL}errors#${code}`;
}
