import type { CsvColumn } from "../csv/read-csv.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";

const TYPES = { integer: "int64", number: "double", boolean: "boolean", string: "string" } as const;

/** Returns the Parquet columns that hold the values of a CSV file: `null` for a column without values. */
export function csvSchema(columns: readonly CsvColumn[]): ColumnSchema[] {
  return columns.map(({ name, type }) => ({ name, type: type === undefined ? "null" : TYPES[type] }));
}
