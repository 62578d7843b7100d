/** The rows of a vector whose bit is set in `mask`; all of them without a mask. */
export type Validity = Uint8Array | undefined;

/** Values of one size, side by side as in DuckDB's memory. */
interface Fixed {
  readonly validity: Validity;
  /** Little-endian, as on every machine that DuckDB is built for. */
  readonly bytes: Uint8Array;
}

/** 16 bytes a value: its length, then the value if it has up to 12 bytes. A longer one is in `long`, from its place in `starts`. */
interface Strings extends Fixed {
  readonly long: Uint8Array;
  readonly starts: Float64Array;
}

/**
 * Values of a column as DuckDB has them in memory: nothing is converted, so they are cheap to copy and to send to another process.
 * Every array is a copy, and outlives the result.
 */
export type RawColumn =
  /** A date in days, a time in microseconds. */
  | (Fixed & { readonly kind: "boolean" | "date" | "time" })
  | (Fixed & { readonly kind: "integer"; readonly width: 1 | 2 | 4 | 8 | 16; readonly isSigned: boolean })
  | (Fixed & { readonly kind: "float"; readonly width: 4 | 8 })
  | (Fixed & {
      readonly kind: "decimal";
      readonly width: 2 | 4 | 8 | 16;
      readonly precision: number;
      readonly scale: number;
    })
  /** `digits` of a tick below the millisecond; ticks of seconds have -3. */
  | (Fixed & { readonly kind: "timestamp"; readonly digits: -3 | 0 | 3 | 6; readonly isInstant: boolean })
  | (Strings & { readonly kind: "text" })
  | (Strings & { readonly kind: "blob" })
  | (Fixed & { readonly kind: "enum"; readonly width: 1 | 2 | 4; readonly names: readonly string[] })
  /** Row `i` has the items from `starts[i]`, `lengths[i]` of them. */
  | {
      readonly kind: "list";
      readonly validity: Validity;
      readonly starts: Float64Array;
      readonly lengths: Float64Array;
      readonly items: RawColumn;
    }
  | {
      readonly kind: "struct";
      readonly validity: Validity;
      readonly names: readonly string[];
      readonly fields: readonly RawColumn[];
    }
  /** Values that the driver converts. */
  | { readonly kind: "values"; readonly values: readonly unknown[] };

/** Some rows of a result, not converted. */
export interface RawBatch {
  readonly rowCount: number;
  /** The columns of the result, in order. */
  readonly columns: readonly RawColumn[];
}

/** Whether a row has a value. */
export function isValid(validity: Validity, row: number): boolean {
  return validity === undefined || ((validity[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
}
