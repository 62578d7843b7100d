import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Describes what a bug report needs: the versions of the command, DuckDB and Node, and the platform. Loads none of them. */
export function describeVersions(): string {
  const own = createRequire(import.meta.url);
  const query = find(own, "@parquetry/query");
  const duckdb = query && find(createRequire(query), "@duckdb/node-api");
  return [
    `parquetry ${versionIn(own.resolve("../../package.json"))}`,
    `duckdb    ${duckdb === undefined ? "not installed" : versionIn(duckdb)}`,
    `node      ${process.versions.node}`,
    `platform  ${process.platform} ${process.arch}`,
  ].join("\n");
}

/** Returns the path of the manifest of a package, or undefined if it is not installed. */
function find(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(`${name}/package.json`);
  } catch {
    return undefined;
  }
}

function versionIn(path: string): string {
  const manifest: { readonly version?: unknown } = JSON.parse(readFileSync(path, "utf8"));
  return typeof manifest.version === "string" ? manifest.version : "unknown";
}
