/** A row: column names to values. Missing columns and `undefined` mean null. */
export type Row = Record<string, unknown>;

/** Returns the value that a row has for a column; a column named like a method of every object, such as `constructor`, may be missing. */
export function ownValue(row: Row | undefined, column: string): unknown {
  return row !== undefined && Object.hasOwn(row, column) ? row[column] : undefined;
}
