import { createRequire } from "node:module";
import { StorageError } from "@parquetry/core";

/** Returns why DuckDB's native library cannot be loaded, with the remedy, or undefined if it can. Loads it. */
export function nativeLibraryProblem(): StorageError | undefined {
  try {
    // From this package, which depends on it, also where this module is part of the command's bundle.
    const own = createRequire(import.meta.url).resolve("@parquetry/query/package.json");
    createRequire(own)("@duckdb/node-bindings");
    return undefined;
  } catch (error) {
    return new StorageError({
      code: "not_supported",
      op: "sql",
      message: `sql: ${describeProblem(error instanceof Error ? error : new Error(String(error)))}`,
      cause: error,
    });
  }
}

function describeProblem(error: Error): string {
  const library = `DuckDB's native library for ${process.platform} ${process.arch}`;
  // The other lines are the modules that asked for it.
  const [reason = ""] = error.message.split("\n");
  const code = "code" in error ? error.code : undefined;
  if (code === "MODULE_NOT_FOUND")
    return (
      `${library} is not installed (${reason}). It is an optional dependency: npm leaves it out with --omit=optional, and ` +
      "node_modules that were installed on another platform have the library of that one. Run npm install " +
      "--include=optional here. If it is still missing, delete node_modules and package-lock.json first."
    );
  if (code === "ERR_DLOPEN_FAILED")
    return `${library} cannot be loaded (${reason}). Delete node_modules, and run npm install on this machine.`;
  // DuckDB's own error for a platform that it has no library for.
  return `${library} cannot be loaded (${reason}). Storage and migrations need no DuckDB.`;
}
