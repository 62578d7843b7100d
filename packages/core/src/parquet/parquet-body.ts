import { checkRows, invalid } from "../bytes/check-arguments.ts";
import type { PutBody } from "../bytes/object-body.ts";
import type { Row, RowLike } from "../bytes/row.ts";
import { checkRowsFit, checkSchema } from "./check-schema.ts";
import type { ColumnSchema } from "./column-type.ts";
import { inferColumns } from "./infer-columns.ts";
import { type ColumnTable, checkTable } from "./table-rows.ts";
import { type EncodeOptions, encodeParquetFile, encodeParquetStream } from "./write-parquet.ts";

/**
 * Returns the body of a Parquet file: encoded in memory, or a stream if the rows come in batches.
 *
 * @throws StorageError `invalid_argument` for rows or a schema that cannot be written, or without any column.
 */
export async function parquetBody(
  table: readonly RowLike[] | ColumnTable | AsyncIterable<readonly RowLike[]>,
  schema: readonly ColumnSchema[] | undefined,
  path: string,
  options: EncodeOptions,
): Promise<PutBody> {
  if (typeof table === "object" && table !== null && Symbol.asyncIterator in table) {
    if (schema === undefined)
      throw invalid(
        "writeParquet",
        `the columns of ${path} cannot be inferred from rows that come in batches. Pass them by the option schema`,
      );
    const columns = checkSchema(schema, "writeParquet");
    return encodeParquetStream(checkedBatches(table, columns), withColumns(columns, path), options);
  }
  const checked = checkTable(table, "writeParquet");
  const columns =
    schema === undefined ? await inferColumns(checked, options) : checkSchema(schema, "writeParquet");
  if (schema !== undefined) await checkRowsFit(columns, checked, "writeParquet", options);
  return (await encodeParquetFile(checked, withColumns(columns, path), options)).body;
}

/** Checks that the rows of each batch have no column which the schema lacks, since that column would be lost. */
async function* checkedBatches(
  batches: AsyncIterable<readonly RowLike[]>,
  columns: readonly ColumnSchema[],
): AsyncGenerator<readonly Row[]> {
  for await (const batch of batches) {
    const rows = checkRows(batch, "writeParquet");
    await checkRowsFit(columns, rows, "writeParquet");
    yield rows;
  }
}

function withColumns(columns: readonly ColumnSchema[], path: string): readonly ColumnSchema[] {
  if (columns.length > 0) return columns;
  throw invalid(
    "writeParquet",
    `${path} would have no column. Pass rows, or the columns by the option schema`,
  );
}
