/** A row: column names to values. Missing columns and `undefined` mean null. */
export type Row = Record<string, unknown>;
