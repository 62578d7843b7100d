import type { ScanFile } from "./duckdb.ts";

/** Names files in a message by their keys in the store instead of by where they lie on this machine. */
export function withKeys(message: string, files: Iterable<ScanFile>): string {
  let named = message;
  for (const { path, key } of files) if (named.includes(path)) named = named.replaceAll(path, key);
  return named;
}
