import type { PartitionTable } from "./partitions.ts";

/** The JSON at the beginning; the columns follow it. */
interface Header {
  readonly entity: string;
  readonly isDone: boolean;
  readonly size: number;
  readonly keys: readonly string[];
  readonly levels: readonly Pick<PartitionTable<never>["levels"][number], "values" | "spelt">[];
  /** The names of the columns after those of the levels. */
  readonly names: readonly string[];
  readonly shapes: readonly Shape[];
}

/** How a column is kept: each number is `base + step * place` and, unless `width` is 0, one of `width` bytes. */
interface Shape {
  readonly base: number;
  readonly step: 0 | 1;
  readonly width: 0 | 1 | 2 | 4 | 8;
}

const ARRAYS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: Float64Array };
/** Every column begins at a multiple of it, so that it can be read in place. */
const ALIGNMENT = 8;

/**
 * Packs a table as bytes for {@link unpackPartitions}: a header as JSON, and each column of numbers in the narrowest width that holds
 * them. A column of one number, or of 5, 6, 7, …, takes no bytes.
 */
export function packPartitions<Name extends string>(table: PartitionTable<Name>): Uint8Array<ArrayBuffer> {
  const { entity, isDone, size, keys, levels, numbers } = table;
  const names = Object.keys(numbers) as Name[];
  const columns = [...levels.map(({ codes }) => codes), ...names.map((name) => numbers[name])];
  const shapes = columns.map(shapeOf);
  const header: Header = {
    ...{ entity, isDone, size, keys, names, shapes },
    levels: levels.map(({ values, spelt }) => ({ values, spelt })),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = aligned(4 + text.length);
  const packed = new Uint8Array(shapes.reduce((bytes, { width }) => bytes + aligned(width * size), start));
  new DataView(packed.buffer).setUint32(0, text.length, true);
  packed.set(text, 4);
  let at = start;
  for (const [i, { base, width }] of shapes.entries()) {
    if (width === 0) continue;
    const kept = new ARRAYS[width](packed.buffer, at, size);
    const column = columns[i] ?? [];
    for (let row = 0; row < size; row++) kept[row] = (column[row] ?? 0) - base;
    at += aligned(width * size);
  }
  return packed;
}

/** Reads what {@link packPartitions} wrote. */
export function unpackPartitions<Name extends string>(packed: ArrayBuffer): PartitionTable<Name> {
  const bytes = new DataView(packed).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(packed, 4, bytes));
  const { levels, names, shapes, size, ...header }: Header = JSON.parse(text);
  let at = aligned(4 + bytes);
  const columns = shapes.map(({ base, step, width }) => {
    const kept = width === 0 ? undefined : new ARRAYS[width](packed, at, size);
    at += aligned(width * size);
    if (kept !== undefined && base === 0) return kept;
    const numbers = new Float64Array(size);
    for (let row = 0; row < size; row++) numbers[row] = base + step * row + (kept?.[row] ?? 0);
    return numbers;
  });
  const column = (place: number): ArrayLike<number> => columns[place] ?? [];
  return {
    ...header,
    size,
    levels: levels.map((level, i) => ({ ...level, codes: column(i) })),
    // The names are those of the packed table.
    numbers: Object.fromEntries(names.map((name, i) => [name, column(levels.length + i)])) as Record<
      Name,
      ArrayLike<number>
    >,
  };
}

function shapeOf(column: ArrayLike<number>): Shape {
  const base = column[0] ?? 0;
  let [least, most, isSequence] = [base, base, true];
  for (let row = 0; row < column.length; row++) {
    const number = column[row] ?? 0;
    if (number < least) least = number;
    if (number > most) most = number;
    if (number !== base + row) isSequence = false;
  }
  if (least === most) return { base, step: 0, width: 0 };
  if (isSequence) return { base, step: 1, width: 0 };
  const [plain, reduced] = [widthOf(most), widthOf(most - least)];
  return reduced < plain ? { base: least, step: 0, width: reduced } : { base: 0, step: 0, width: plain };
}

function widthOf(most: number): 1 | 2 | 4 | 8 {
  return most < 2 ** 8 ? 1 : most < 2 ** 16 ? 2 : most < 2 ** 32 ? 4 : 8;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
