import { checkRows, invalid } from "../bytes/check-arguments.ts";
import type { PutBody } from "../bytes/object-body.ts";
import type { Row, RowLike } from "../bytes/row.ts";
import { checkSchema } from "./check-schema.ts";
import type { ColumnSchema } from "./column-type.ts";
import { inferColumns } from "./infer-columns.ts";
import { encodeParquet, encodeParquetStream } from "./write-parquet.ts";

/**
 * Returns the body of a Parquet file of rows: its bytes, or a stream if the rows come in batches.
 *
 * @throws StorageError `invalid_argument` for rows or a schema that cannot be written, or without any column.
 */
export function parquetBody(
  rows: readonly RowLike[] | AsyncIterable<readonly RowLike[]>,
  schema: readonly ColumnSchema[] | undefined,
  path: string,
): PutBody {
  if (typeof rows === "object" && rows !== null && Symbol.asyncIterator in rows) {
    if (schema === undefined)
      throw invalid(
        "writeParquet",
        `the columns of ${path} cannot be inferred from rows that come in batches. Pass them by the option schema`,
      );
    const columns = checkSchema(schema, [], "writeParquet");
    return encodeParquetStream(checkedBatches(rows, columns), withColumns(columns, path));
  }
  const checked = checkRows(rows, "writeParquet");
  const columns = schema === undefined ? inferColumns(checked) : checkSchema(schema, checked, "writeParquet");
  return encodeParquet(checked, withColumns(columns, path));
}

/** Checks that the rows of each batch have no column which the schema lacks, since that column would be lost. */
async function* checkedBatches(
  batches: AsyncIterable<readonly RowLike[]>,
  columns: readonly ColumnSchema[],
): AsyncGenerator<readonly Row[]> {
  for await (const batch of batches) {
    const rows = checkRows(batch, "writeParquet");
    checkSchema(columns, rows, "writeParquet");
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
