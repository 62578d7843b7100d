import type { SchemaElement, Statistics } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { Row } from "../bytes/row.ts";
import type { ColumnSchema, ColumnType } from "./column-type.ts";
import { columnValues } from "./column-values.ts";

/** Rows in a row group, which a reader skips or holds as a whole. */
export const ROW_GROUP_ROWS = 20_000;

/** The name of the writing program in footers. */
export const CREATED_BY = "parquetry";

/**
 * Encodes rows as a Parquet file: SNAPPY, every column optional, statistics for every column and row group. The output is
 * deterministic.
 *
 * @throws StorageError `invalid_argument` if a value does not fit its column.
 * @example
 * ```ts
 * const bytes = encodeParquet(rows, inferColumns(rows));
 * ```
 */
export function encodeParquet(rows: readonly Row[], columns: readonly ColumnSchema[]): Uint8Array {
  const writer = new ByteWriter();
  const file = openFile(writer, columns);
  for (let start = 0; start < rows.length; start += ROW_GROUP_ROWS)
    writeRowGroup(file, columns, rows, start, Math.min(start + ROW_GROUP_ROWS, rows.length));
  file.finish();
  return writer.getBytes();
}

/**
 * Encodes rows that come in batches of any size, as {@link encodeParquet} does, and holds one row group at a time.
 *
 * @throws StorageError `invalid_argument` if a value does not fit its column; its row is counted over all batches.
 */
export async function* encodeParquetStream(
  batches: AsyncIterable<readonly Row[]>,
  columns: readonly ColumnSchema[],
): AsyncGenerator<Uint8Array> {
  const writer = new ByteWriter();
  const file = openFile(writer, columns);
  let rows: Row[] = [];
  let first = 0;
  const takeBytes = (): Uint8Array => {
    const bytes = new Uint8Array(writer.getBytes());
    // The writer counts the offset in the file separately.
    writer.index = 0;
    return bytes;
  };
  for await (const batch of batches) {
    for (const row of batch) rows.push(row);
    while (rows.length >= ROW_GROUP_ROWS) {
      writeRowGroup(file, columns, rows, 0, ROW_GROUP_ROWS, first);
      rows = rows.slice(ROW_GROUP_ROWS);
      first += ROW_GROUP_ROWS;
      yield takeBytes();
    }
  }
  if (rows.length > 0) writeRowGroup(file, columns, rows, 0, rows.length, first);
  file.finish();
  yield takeBytes();
}

function openFile(writer: ByteWriter, columns: readonly ColumnSchema[]): ParquetWriter {
  const schema: SchemaElement[] = [
    { name: "schema", num_children: columns.length },
    ...columns.flatMap(({ name, type }) => schemaElements(name, type)),
  ];
  return new ParquetWriter({ writer, schema, createdBy: CREATED_BY });
}

function writeRowGroup(
  file: ParquetWriter,
  columns: readonly ColumnSchema[],
  rows: readonly Row[],
  start: number,
  end: number,
  rowsBefore = 0,
): void {
  const columnData = columns.map((column) => ({
    name: column.name,
    data: columnValues(rows, column, start, end, rowsBefore),
  }));
  file.write({ columnData, rowGroupSize: ROW_GROUP_ROWS });
  for (const { meta_data } of file.row_groups.at(-1)?.columns ?? []) omitBoundsOfNaN(meta_data?.statistics);
}

/**
 * Removes the least and greatest value of a chunk with NaN in it. They would leave NaN out, and DuckDB, to which NaN is greater
 * than every number, would skip the chunk when it looks for NaN.
 */
function omitBoundsOfNaN(statistics: (Statistics & { readonly nan_count?: bigint }) | undefined): void {
  if (statistics?.nan_count === undefined || statistics.nan_count === 0n) return;
  delete statistics.min_value;
  delete statistics.max_value;
}

/** Returns a column's schema elements, depth first (parquet-format, LogicalTypes.md). */
function schemaElements(name: string, type: ColumnType): SchemaElement[] {
  const optional = { name, repetition_type: "OPTIONAL" } as const;
  if (typeof type === "object") {
    if ("list" in type) {
      return [
        { ...optional, num_children: 1, converted_type: "LIST", logical_type: { type: "LIST" } },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...schemaElements("element", type.list),
      ];
    }
    return [
      { ...optional, num_children: type.struct.length },
      ...type.struct.flatMap((field) => schemaElements(field.name, field.type)),
    ];
  }
  switch (type) {
    case "int64":
      return [{ ...optional, type: "INT64" }];
    case "double":
      return [{ ...optional, type: "DOUBLE" }];
    case "boolean":
      return [{ ...optional, type: "BOOLEAN" }];
    case "string":
      return [{ ...optional, type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } }];
    case "timestamp":
      return [
        {
          ...optional,
          type: "INT64",
          converted_type: "TIMESTAMP_MICROS",
          logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
        },
      ];
    case "binary":
      return [{ ...optional, type: "BYTE_ARRAY" }];
    case "json":
      return [{ ...optional, type: "BYTE_ARRAY", converted_type: "JSON", logical_type: { type: "JSON" } }];
    case "null":
      return [{ ...optional, type: "INT32", logical_type: { type: "NULL" } }];
  }
}
