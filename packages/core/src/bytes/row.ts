/**
 * A row: column names to values. Missing columns and `undefined` mean null. A value that is read has the JavaScript type that holds it
 * exactly, else it is a bigint or a string with all of its digits; `QueryResult` of `@parquetry/query` lists the types, which SQL,
 * `readIndex` and `readParquet` share.
 */
export type Row = Record<string, unknown>;

/**
 * A row as a write takes it: any object of columns, also of an interface or a class, but no array, Map, Set, Date, function or
 * promise.
 */
export type RowLike =
  | Row
  | (object & {
      readonly [Symbol.iterator]?: never;
      readonly [Symbol.toPrimitive]?: never;
      readonly [Symbol.toStringTag]?: never;
      readonly [Symbol.hasInstance]?: never;
    });

/** Returns the value that a row has for a column; a column named like a method of every object, such as `constructor`, may be missing. */
export function ownValue(row: Row | undefined, column: string): unknown {
  return row !== undefined && Object.hasOwn(row, column) ? row[column] : undefined;
}
