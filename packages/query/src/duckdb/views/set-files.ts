import type { DuckDBConnection } from "@duckdb/node-api";
import { escapeGlob, quotePaths } from "../../statement/quote.ts";

/** Puts a list of files into a variable of a connection: long lists are parsed ten times faster as one text than as SQL. */
export async function setFiles(
  connection: DuckDBConnection,
  variable: string,
  paths: readonly string[],
): Promise<void> {
  if (paths.some((path) => path.includes("\n"))) {
    await connection.run(`SET VARIABLE ${variable} = ${quotePaths(paths)}`);
    return;
  }
  const text = paths.map(escapeGlob).join("\n");
  await connection.run(`SET VARIABLE ${variable} = string_split($1::VARCHAR, chr(10))`, [text]);
}
