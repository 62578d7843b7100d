import { createRequire } from "node:module";
import { StorageError } from "@parquetry/core/backend";

const PACKAGES = ["@parquetry/query", "@duckdb/node-api"] as const;

/** Returns the path of the manifest of DuckDB's driver, which `@parquetry/query` brings, or undefined if one of them is not installed. */
export function findDuckDb(): string | undefined {
  try {
    return PACKAGES.reduce(
      (from, name) => createRequire(from).resolve(`${name}/package.json`),
      import.meta.url,
    );
  } catch {
    return undefined;
  }
}

/** Returns the package with DuckDB's native library for this platform if DuckDB is installed without it. */
export function missingLibrary(): string | undefined {
  const duckdb = findDuckDb();
  if (duckdb === undefined) return undefined;
  const bindings = createRequire(createRequire(duckdb).resolve("@duckdb/node-bindings/package.json"));
  const name = `@duckdb/node-bindings-${process.platform}-${process.arch}`;
  const isInstalled = [name, `${name}-musl`].some((library) => {
    try {
      return bindings.resolve(`${library}/duckdb.node`) !== "";
    } catch {
      return false;
    }
  });
  return isInstalled ? undefined : name;
}

/**
 * Checks that DuckDB is installed before a command needs it: `@parquetry/query` is an optional peer, because DuckDB is large.
 *
 * @throws StorageError `not_supported` with the command that installs it.
 */
export function requireDuckDb(command: string): void {
  if (findDuckDb() !== undefined) return;
  const [name] = PACKAGES;
  throw new StorageError({
    code: "not_supported",
    op: command,
    message: `parquetry ${command} needs ${name}, which is not installed. Run: npm install parquetry (it includes ${name}), or npm install ${name} next to @parquetry/migrate-cli.`,
  });
}
