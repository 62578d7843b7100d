import type { Counts, TableData } from "./api.ts";
import { compareValues } from "./format.ts";
import type { Measure } from "./state.ts";

export type Value = string | null;

/** A cell of the map: the partitions below one pair of values. */
export interface Cell {
  partitions: number;
  files: number;
  bytes: number;
  newest: number;
  rows: number | undefined;
  nulls: number | undefined;
}

/** Two keys as axes. With one key, `ys` has one value, undefined. */
export interface Grid {
  readonly yKey: string | undefined;
  readonly xKey: string;
  readonly ys: readonly (Value | undefined)[];
  readonly xs: readonly Value[];
  /** By `y * xs.length + x`; undefined where there is no partition. */
  readonly cells: readonly (Cell | undefined)[];
  /** How many pairs of values have no partition. */
  readonly gaps: number;
}

/** The most values of a numeric axis that are filled in between the first and the last. */
const MAX_FILLED = 2000;
/** The most cells that are drawn. */
const MAX_CELLS = 4_000_000;

/** Returns the index of a value in a count's answer: partition values joined by a character that is not in them. */
export const pathOf = (values: readonly Value[]): string => JSON.stringify(values);

/**
 * Lays out the partitions below `above` by their next two keys. Integers that are missing between the first and the last value of
 * an axis are filled in, so that a missing year is as visible as a missing week.
 */
export function gridOf(
  { keys, values, files, bytes, newest }: TableData,
  above: readonly Value[],
  counts: Counts | undefined,
): Grid | undefined {
  const depth = above.length;
  const left = keys.length - depth;
  if (left <= 0) return undefined;
  const hasY = left > 1;
  const [yAt, xAt] = hasY ? [depth, depth + 1] : [-1, depth];
  const counted = countsByPath(counts);
  const found = new Map<string, { y: Value | undefined; x: Value; cell: Cell }>();
  for (const [i, own] of values.entries()) {
    if (own.length < keys.length || above.some((value, level) => own[level] !== value)) continue;
    const y = hasY ? (own[yAt] ?? null) : undefined;
    const x = own[xAt] ?? null;
    const name = JSON.stringify([y, x]);
    let at = found.get(name);
    if (at === undefined) {
      const cell = { partitions: 0, files: 0, bytes: 0, newest: 0, rows: undefined, nulls: undefined };
      at = { y, x, cell };
      found.set(name, at);
    }
    const { cell } = at;
    cell.partitions++;
    cell.files += files[i] ?? 0;
    cell.bytes += bytes[i] ?? 0;
    cell.newest = Math.max(cell.newest, newest[i] ?? 0);
    const own_ = counted?.get(pathOf(own));
    if (own_ !== undefined) {
      cell.rows = (cell.rows ?? 0) + own_.rows;
      cell.nulls = (cell.nulls ?? 0) + own_.nulls;
    }
  }
  if (found.size === 0) return undefined;
  const ys: readonly (Value | undefined)[] = hasY
    ? axis([...found.values()].map(({ y }) => y ?? null))
    : [undefined];
  const xs = axis([...found.values()].map(({ x }) => x));
  if (ys.length * xs.length > MAX_CELLS) return undefined;
  const yIndex = new Map(ys.map((y, i) => [y, i]));
  const xIndex = new Map(xs.map((x, i) => [x, i]));
  const cells = new Array<Cell | undefined>(ys.length * xs.length).fill(undefined);
  for (const { y, x, cell } of found.values())
    cells[(yIndex.get(y) ?? 0) * xs.length + (xIndex.get(x) ?? 0)] = cell;
  const yKey = hasY ? keys[yAt] : undefined;
  return { yKey, xKey: keys[xAt] ?? "", ys, xs, cells, gaps: cells.length - found.size };
}

/** The values of the first keys that have one value only. The map begins below them, as long as two keys are left. */
export function fixedValues({ keys, values }: TableData): readonly Value[] {
  const fixed: Value[] = [];
  while (keys.length - fixed.length > 2) {
    const value = values[0]?.[fixed.length] ?? null;
    if (values.some((own) => own[fixed.length] !== value)) break;
    fixed.push(value);
  }
  return fixed;
}

function countsByPath(counts: Counts | undefined): Map<string, { rows: number; nulls: number }> | undefined {
  if (counts === undefined) return undefined;
  return new Map(
    counts.values.map((values, i) => [
      pathOf(values),
      { rows: counts.rows[i] ?? 0, nulls: counts.nulls?.[i] ?? 0 },
    ]),
  );
}

const INTEGER = /^(?:0|[1-9]\d{0,8})$/;
const PADDED = /^\d{1,9}$/;

/** The sorted values of an axis, with the missing integers. */
export function axis(all: readonly Value[]): readonly Value[] {
  const distinct = [...new Set(all)];
  const texts = distinct.filter((value) => value !== null);
  const width = texts[0]?.length ?? 0;
  const isPlain = texts.every((text) => INTEGER.test(text));
  const isPadded = !isPlain && texts.every((text) => PADDED.test(text) && text.length === width);
  if (texts.length > 1 && (isPlain || isPadded)) {
    const numbers = texts.map(Number);
    const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
    if (last - first < MAX_FILLED && last - first < 4 * texts.length) {
      for (let n = first; n <= last; n++)
        distinct.push(isPadded ? String(n).padStart(width, "0") : String(n));
    }
  }
  return [...new Set(distinct)].sort(compareValues);
}

/** The number that a cell's colour shows, or undefined where it is not known. */
export function amountOf(cell: Cell, measure: Measure): number | undefined {
  if (measure !== "nulls") return cell[measure];
  if (cell.rows === undefined || cell.nulls === undefined) return undefined;
  return cell.rows === 0 ? 0 : cell.nulls / cell.rows;
}

/** Returns a function from an amount to a place on the colour scale, 0 to 1. Sums are compared by their logarithm. */
export function scaleOf(grid: Grid, measure: Measure): (amount: number) => number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const cell of grid.cells) {
    const amount = cell && amountOf(cell, measure);
    if (amount === undefined) continue;
    least = Math.min(least, amount);
    most = Math.max(most, amount);
  }
  if (measure === "nulls") return (amount) => amount;
  const bend =
    measure === "newest"
      ? (amount: number): number => amount
      : (amount: number): number => Math.log1p(amount);
  const [from, to] = [bend(least), bend(most)];
  return (amount) => (to === from ? 1 : (bend(amount) - from) / (to - from));
}
