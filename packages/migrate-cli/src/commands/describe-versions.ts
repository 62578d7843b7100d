import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { findDuckDb, missingLibrary } from "./find-duckdb.ts";

/** Describes what a bug report needs: the versions of the command, DuckDB and Node, and the platform. Loads none of them. */
export function describeVersions(): string {
  const duckdb = findDuckDb();
  const missing = missingLibrary();
  const library = missing === undefined ? "" : `, without its native library: ${missing} is not installed`;
  return [
    `parquetry ${versionIn(createRequire(import.meta.url).resolve("../../package.json"))}`,
    `duckdb    ${duckdb === undefined ? "not installed" : versionIn(duckdb)}${library}`,
    `node      ${process.versions.node}`,
    `platform  ${process.platform} ${process.arch}`,
  ].join("\n");
}

function versionIn(path: string): string {
  const manifest: { readonly version?: unknown } = JSON.parse(readFileSync(path, "utf8"));
  return typeof manifest.version === "string" ? manifest.version : "unknown";
}
