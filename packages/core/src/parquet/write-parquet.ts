import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { Row } from "../row.ts";
import type { ColumnSchema, ColumnType } from "./column-type.ts";
import { columnValues } from "./column-values.ts";

/** Rows in a row group: what a reader skips or holds as a whole. */
export const ROW_GROUP_ROWS = 20_000;

/** Who wrote the file, for its footer. */
export const CREATED_BY = "parquetry";

/**
 * Encodes rows as a Parquet file: SNAPPY, every column optional, statistics for every column and row group. The same
 * rows and columns give the same bytes.
 *
 * @throws StorageError `invalid_argument` where a value does not fit its column.
 * @example
 * ```ts
 * const bytes = encodeParquet(rows, inferColumns(rows));
 * ```
 */
export function encodeParquet(rows: readonly Row[], columns: readonly ColumnSchema[]): Uint8Array {
  const writer = new ByteWriter();
  const schema: SchemaElement[] = [
    { name: "schema", num_children: columns.length },
    ...columns.flatMap(({ name, type }) => schemaElements(name, type)),
  ];
  const file = new ParquetWriter({ writer, schema, createdBy: CREATED_BY });
  for (let start = 0; start < rows.length; start += ROW_GROUP_ROWS) {
    const end = Math.min(start + ROW_GROUP_ROWS, rows.length);
    const columnData = columns.map((column) => ({
      name: column.name,
      data: columnValues(rows, column, start, end),
    }));
    file.write({ columnData, rowGroupSize: ROW_GROUP_ROWS });
  }
  file.finish();
  return writer.getBytes();
}

/** A column's elements in the footer, depth first (parquet-format, LogicalTypes.md). */
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
