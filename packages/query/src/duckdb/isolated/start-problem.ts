import { StorageError } from "@parquetry/core";
import { nativeLibraryProblem } from "../native-library.ts";

/** Returns why the child process of DuckDB cannot start on this machine, with the remedy, or undefined if nothing is known. */
export function startProblem(): StorageError | undefined {
  if (process.versions["pnp"] === undefined) return nativeLibraryProblem();
  return new StorageError({
    code: "not_supported",
    op: "sql",
    message:
      "sql: the query's process does not start under Yarn Plug'n'Play, which hides packages from it. Set nodeLinker: node-modules in .yarnrc.yml and run yarn install.",
  });
}
