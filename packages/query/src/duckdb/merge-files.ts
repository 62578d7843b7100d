import type { DuckDBConnection } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import { escapeGlob, quoteName, quoteText } from "../statement/quote.ts";
import type { MergeOptions } from "./duckdb.ts";
import type { ScanTable } from "./views/scan-table.ts";

/** The key of the note among the metadata of a file. */
const NOTE = "parquetry_made_from";

/**
 * Copies a view into one Parquet file, reads that back and compares: the number of rows, and the sum of their hashes, which any
 * lost, doubled or changed value would change. The compression is SNAPPY, which every reader supports.
 *
 * @returns the number of rows.
 */
export async function mergeFiles(
  connection: DuckDBConnection,
  { names: [view = ""] }: ScanTable,
  path: string,
  { sortBy = [], note }: MergeOptions,
): Promise<number> {
  const source = quoteName(view);
  const order = sortBy.length === 0 ? "" : ` ORDER BY ${sortBy.map(quoteName).join(", ")}`;
  const metadata = note === undefined ? "" : `, KV_METADATA {${NOTE}: ${quoteText(note)}}`;
  const { rowsChanged } = await connection.run(
    `COPY (SELECT * FROM ${source}${order}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION snappy${metadata})`,
  );
  const file = `read_parquet(${quoteText(escapeGlob(path))}, hive_partitioning = false)`;
  const [expected, found] = [await digest(connection, source), await digest(connection, file)];
  if (expected !== found || !expected.startsWith(`${rowsChanged} `)) {
    throw new StorageError({
      code: "corrupt",
      op: "compact",
      retry: "never",
      message: `compact: the merged file does not hold the same rows (expected ${expected}, found ${found}); nothing was replaced.`,
    });
  }
  return rowsChanged;
}

/** The note of a file, by its path. */
export async function readNote(connection: DuckDBConnection, path: string): Promise<string | undefined> {
  const result = await connection.run(
    `SELECT decode(value) FROM parquet_kv_metadata(${quoteText(escapeGlob(path))}) WHERE decode(key) = '${NOTE}'`,
  );
  const [row] = await result.getRows();
  return row === undefined ? undefined : String(row[0]);
}

async function digest(connection: DuckDBConnection, source: string): Promise<string> {
  const result = await connection.run(
    `SELECT concat(count(*), ' rows, digest ', coalesce(sum(hash(parquetry_row)::HUGEINT), 0)) FROM ${source} parquetry_row`,
  );
  return String((await result.getRows())[0]?.[0]);
}
