import { invalid } from "@parquetry/core/unstable";
import type * as Arrow from "@uwdata/flechette";
import { isValid, type RawColumn, type Validity } from "../raw-column.ts";
import { typedView } from "../typed-view.ts";
import { arrowBits, arrowStrings, arrowTexts, wideDecimals } from "./arrow-values.ts";
import { takeRows } from "./take-rows.ts";

/** Values that JavaScript's numbers may not hold are read as bigints. */
const EXACT: Arrow.ExtractionOptions = { useBigInt: true, useDecimalInt: true, useBigIntTimestamp: true };
/** What {@link Arrow.Batch} calls the arrays of a batch. */
type Parts = Pick<ConstructorParameters<typeof Arrow.Batch>[0], "values" | "offsets" | "children">;

/** Makes the batches of one Arrow column. All of them have the type of the first one, as in DuckDB's result. */
export interface ArrowColumn {
  readonly type: Arrow.DataType;
  /** Makes a batch of a column with this number of rows. */
  batch(column: RawColumn, length: number): Arrow.Batch<unknown>;
}

/**
 * Chooses the Arrow type of a column.
 *
 * @param name the column, for errors.
 */
export function arrowColumn(arrow: typeof Arrow, name: string, first: RawColumn): ArrowColumn {
  const of = (type: Arrow.DataType, parts: (column: never, length: number) => Parts): ArrowColumn => {
    const Batch = arrow.batchType(type, EXACT);
    return {
      type,
      batch(column, length) {
        const validity = column.kind === "values" ? validityOf(column.values) : column.validity;
        const nullCount = countNulls(validity, length);
        // Every batch of a column has the kind of the first one.
        const own = parts(column as never, length);
        return new Batch({
          length,
          nullCount,
          type,
          validity: nullCount === 0 ? NO_BYTES : validity,
          ...own,
        });
      },
    };
  };
  type Of<Kind extends RawColumn["kind"]> = RawColumn & { readonly kind: Kind };
  const fixed = (type: Arrow.DataType & { readonly values: unknown }): ArrowColumn => {
    const Values = type.values as typeof Int32Array;
    return of(type, ({ bytes }: Of<"integer">) => ({ values: typedView(Values, bytes) }));
  };
  switch (first.kind) {
    case "boolean":
      return of(arrow.bool(), ({ bytes }: Of<"boolean">) => ({ values: arrowBits(bytes) }));
    case "integer": {
      const { width, isSigned } = first;
      if (width !== 16) return fixed(arrow.int((width * 8) as Arrow.IntBitWidth, isSigned));
      return of(arrow.decimal(isSigned ? 38 : 39, 0, isSigned ? 128 : 256), ({ bytes }: Of<"integer">) => ({
        values: isSigned ? typedView(BigUint64Array, bytes) : wideDecimals(bytes, 16, 32, false),
      }));
    }
    case "float":
      return fixed(first.width === 4 ? arrow.float32() : arrow.float64());
    case "decimal": {
      const { width, precision, scale } = first;
      return of(arrow.decimal(precision, scale, 128), ({ bytes }: Of<"decimal">) => ({
        values: wideDecimals(bytes, width, 16, true),
      }));
    }
    case "date":
      return fixed(arrow.dateDay());
    case "time":
      return fixed(arrow.timeMicrosecond());
    case "timestamp": {
      const { TimeUnit } = arrow;
      const { SECOND, MILLISECOND, MICROSECOND, NANOSECOND } = TimeUnit;
      const unit = { [-3]: SECOND, 0: MILLISECOND, 3: MICROSECOND, 6: NANOSECOND }[first.digits];
      return fixed(arrow.timestamp(unit, first.isInstant ? "UTC" : null));
    }
    case "text":
      return of(arrow.utf8(), (column: Of<"text">) => arrowStrings(column));
    case "blob":
      return of(arrow.binary(), (column: Of<"blob">) => arrowStrings(column));
    case "values":
      return of(arrow.utf8(), ({ values }: Of<"values">) => {
        if (values.every((value) => value === null || typeof value === "string"))
          return arrowTexts(values as (string | null)[]);
        throw invalid("arrow", `the column ${JSON.stringify(name)} has no Arrow type. Cast it to VARCHAR`);
      });
    case "enum": {
      const { width, names } = first;
      const dictionary = arrow.columnFromArray([...names], arrow.utf8());
      const index = arrow.int((width * 8) as Arrow.IntBitWidth, false);
      const Values = index.values as typeof Uint8Array;
      const column = of(arrow.dictionary(dictionary.type, index), ({ bytes }: Of<"enum">) => ({
        values: typedView(Values, bytes),
      }));
      return {
        ...column,
        batch: (own, length) =>
          (column.batch(own, length) as ReturnType<ArrowColumn["batch"]> & DictionaryOwner).setDictionary(
            dictionary,
          ),
      };
    }
    case "list": {
      const items = arrowColumn(arrow, name, first.items);
      return of(arrow.list(arrow.field("item", items.type)), (column: Of<"list">, length) => {
        const { offsets, rows } = placesOf(column, length);
        const count = offsets[length] ?? 0;
        const own = rows === undefined ? column.items : takeRows(column.items, rows);
        return { offsets, children: [items.batch(own, count)] };
      });
    }
    case "struct": {
      const fields = first.fields.map((field) => arrowColumn(arrow, name, field));
      const type = arrow.struct(
        first.names.map((own, i) => arrow.field(own, (fields[i] as ArrowColumn).type)),
      );
      return of(type, (column: Of<"struct">, length) => ({
        children: fields.map((field, i) => field.batch(column.fields[i] as RawColumn, length)),
      }));
    }
  }
}

const NO_BYTES = new Uint8Array(0);

interface DictionaryOwner {
  setDictionary(dictionary: Arrow.Column<unknown>): Arrow.Batch<unknown>;
}

/** The offsets of lists, and the items in their order where DuckDB has them in another one, or uses some twice. */
function placesOf(
  { validity, starts, lengths }: RawColumn & { readonly kind: "list" },
  length: number,
): { readonly offsets: Int32Array; readonly rows: Int32Array | undefined } {
  const offsets = new Int32Array(length + 1);
  let isInOrder = true;
  for (let row = 0; row < length; row++) {
    const count = isValid(validity, row) ? (lengths[row] ?? 0) : 0;
    const end = offsets[row] ?? 0;
    if (count > 0 && starts[row] !== end) isInOrder = false;
    offsets[row + 1] = end + count;
  }
  if (isInOrder) return { offsets, rows: undefined };
  const rows = new Int32Array(offsets[length] ?? 0);
  for (let row = 0; row < length; row++) {
    const [from = 0, to = 0] = [offsets[row], offsets[row + 1]];
    for (let i = from; i < to; i++) rows[i] = (starts[row] ?? 0) + i - from;
  }
  return { offsets, rows };
}

function validityOf(values: readonly unknown[]): Validity {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (const [row, value] of values.entries())
    if (value !== null) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  return bits;
}

function countNulls(validity: Validity, length: number): number {
  if (validity === undefined) return 0;
  let count = length;
  for (let at = 0; at * 8 < length; at++) {
    const isLast = (at + 1) * 8 > length;
    let bits = (validity[at] ?? 0) & (isLast ? (1 << (length & 7)) - 1 : 255);
    // Clears the lowest bit that is set.
    for (; bits !== 0; bits &= bits - 1) count--;
  }
  return count;
}
