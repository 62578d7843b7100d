import type { DuckDBConnection } from "@duckdb/node-api";
import { escapeGlob, quoteName, quoteText } from "../../statement/quote.ts";
import { FILE_COLUMN, type KeyTable, type TableView } from "./table-view.ts";

/**
 * Creates views over lists of files. Creating a view opens every file that it lists, and so does every query on it. So each view
 * is created over the first file of each list, and the whole lists are put in afterwards.
 *
 * @param plan runs before that, where binding SQL over the views is cheap.
 */
export async function createViews(
  connection: DuckDBConnection,
  views: readonly TableView[],
  plan?: (connection: DuckDBConnection) => Promise<void>,
): Promise<void> {
  for (const { names, select, files, keyTables = [] } of views) {
    for (const keyTable of keyTables) await createKeyTable(connection, keyTable);
    for (const [variable, paths] of files) await setFiles(connection, variable, paths.slice(0, 1));
    for (const name of names) {
      await connection.run(`CREATE OR REPLACE TEMP VIEW ${quoteName(name)} AS ${select}`);
    }
  }
  await plan?.(connection);
  for (const { files } of views) {
    for (const [variable, paths] of files) {
      if (paths.length > 1) await setFiles(connection, variable, paths);
    }
  }
}

async function createKeyTable(
  connection: DuckDBConnection,
  { name, columns, rows }: KeyTable,
): Promise<void> {
  const keys = columns.map(({ name: key, type }, i) => `, CAST(entry[${i + 2}] AS ${type}) AS ${key}`);
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${name} AS SELECT entry[1] AS ${FILE_COLUMN}${keys.join("")}
     FROM (SELECT unnest(from_json($1::JSON, '[["VARCHAR"]]')) AS entry)`,
    [JSON.stringify(rows)],
  );
}

/** Puts a list of files into a variable. DuckDB splits one long string ten times faster than it parses a long SQL list. */
export async function setFiles(
  connection: DuckDBConnection,
  variable: string,
  paths: readonly string[],
): Promise<void> {
  const globs = paths.map(escapeGlob);
  if (globs.some((path) => path.includes("\n"))) {
    await connection.run(`SET VARIABLE ${variable} = [${globs.map(quoteText).join(", ")}]`);
    return;
  }
  await connection.run(`SET VARIABLE ${variable} = string_split($1::VARCHAR, chr(10))`, [globs.join("\n")]);
}
