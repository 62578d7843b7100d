import { isValid, type RawColumn, type Validity } from "../raw-column.ts";

/** Copies rows of a column, in this order. */
export function takeRows(column: RawColumn, rows: Int32Array): RawColumn {
  if (column.kind === "values") return { kind: "values", values: [...rows].map((row) => column.values[row]) };
  const validity = takeBits(column.validity, rows);
  const floats = (all: Float64Array): Float64Array => Float64Array.from(rows, (row) => all[row] ?? 0);
  switch (column.kind) {
    case "list":
      return { ...column, validity, starts: floats(column.starts), lengths: floats(column.lengths) };
    case "struct":
      return { ...column, validity, fields: column.fields.map((field) => takeRows(field, rows)) };
    case "text":
    case "blob":
      return { ...column, validity, bytes: takeBytes(column.bytes, 16, rows), starts: floats(column.starts) };
    default:
      return { ...column, validity, bytes: takeBytes(column.bytes, widthOf(column), rows) };
  }
}

function widthOf(column: Extract<RawColumn, { readonly bytes: Uint8Array }>): number {
  switch (column.kind) {
    case "boolean":
      return 1;
    case "date":
      return 4;
    case "time":
    case "timestamp":
      return 8;
    case "text":
    case "blob":
      return 16;
    default:
      return column.width;
  }
}

function takeBytes(bytes: Uint8Array, width: number, rows: Int32Array): Uint8Array {
  const taken = new Uint8Array(rows.length * width);
  for (let row = 0; row < rows.length; row++) {
    const from = (rows[row] ?? 0) * width;
    for (let i = 0; i < width; i++) taken[row * width + i] = bytes[from + i] ?? 0;
  }
  return taken;
}

function takeBits(validity: Validity, rows: Int32Array): Validity {
  if (validity === undefined) return undefined;
  const taken = new Uint8Array(Math.ceil(rows.length / 8));
  for (let row = 0; row < rows.length; row++)
    if (isValid(validity, rows[row] ?? 0)) taken[row >> 3] = (taken[row >> 3] ?? 0) | (1 << (row & 7));
  return taken;
}
