import type { DuckDBConnection } from "@duckdb/node-api";
import { quoteName } from "../../statement/quote.ts";
import { setFiles } from "./set-files.ts";
import { FILE_COLUMN, type KeyTable, type TableView } from "./table-view.ts";

/**
 * Creates views over lists of files. Creating one opens what it lists, and every query on it does so again: so each is
 * created over the first file of its lists, and the whole lists are put in after that.
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
