import type { Partitions } from "../src/answers.ts";
import { axisOf } from "./axis.ts";

export type Value = string | null;

/** Two keys as axes. With one key, `ys` has one value, undefined. */
export interface Grid<Cell> {
  readonly yKey: string | undefined;
  readonly xKey: string;
  readonly ys: readonly (Value | undefined)[];
  readonly xs: readonly Value[];
  /** By `y * xs.length + x`; undefined where a partition is missing. */
  readonly cells: readonly (Cell | undefined)[];
  /** How many pairs of values have no partition. */
  readonly gaps: number;
  /** Why missing values of a key are not among the gaps, by key. */
  readonly unfilled: ReadonlyMap<string, string>;
}

/** How the partitions below one pair of values become a cell. */
export interface CellMaker<Cell> {
  readonly make: () => Cell;
  /** Adds the partition of this index. */
  readonly add: (cell: Cell, partition: number) => void;
}

/** The most cells that are drawn. */
const MAX_CELLS = 4_000_000;

/** Returns one text for the values of a partition. */
export const pathOf = (values: readonly Value[]): string => JSON.stringify(values);

/**
 * Lays out the partitions below `above` by their next two keys. Numbers and dates that are missing between the first and the last
 * value of an axis are filled in, so that a missing year is as visible as a missing week.
 */
export function gridOf<Cell>(
  { keys, values }: Partitions,
  above: readonly Value[],
  { make, add }: CellMaker<Cell>,
): Grid<Cell> | undefined {
  const depth = above.length;
  const left = keys.length - depth;
  if (left <= 0) return undefined;
  const hasY = left > 1;
  const [yAt, xAt] = hasY ? [depth, depth + 1] : [-1, depth];
  const found = new Map<Value | undefined, Map<Value, Cell>>();
  let pairs = 0;
  for (const [i, own] of values.entries()) {
    if (own.length < keys.length || above.some((value, level) => own[level] !== value)) continue;
    const y = hasY ? (own[yAt] ?? null) : undefined;
    const x = own[xAt] ?? null;
    let row = found.get(y);
    if (row === undefined) {
      row = new Map();
      found.set(y, row);
    }
    let cell = row.get(x);
    if (cell === undefined) {
      cell = make();
      row.set(x, cell);
      pairs++;
    }
    add(cell, i);
  }
  if (pairs === 0) return undefined;
  const xKey = keys[xAt] ?? "";
  const yKey = hasY ? (keys[yAt] ?? "") : undefined;
  const x = axisOf([...new Set([...found.values()].flatMap((row) => [...row.keys()]))]);
  const y = yKey === undefined ? undefined : axisOf([...found.keys()].map((value) => value ?? null));
  const [xs, ys] = [x.values, y?.values ?? [undefined]];
  if (ys.length * xs.length > MAX_CELLS) return undefined;
  const xIndex = new Map(xs.map((value, i) => [value, i]));
  const cells = new Array<Cell | undefined>(ys.length * xs.length).fill(undefined);
  for (const [line, value] of ys.entries())
    for (const [own, cell] of found.get(value) ?? []) cells[line * xs.length + (xIndex.get(own) ?? 0)] = cell;
  const unfilled = new Map<string, string>();
  for (const [key, why] of [
    [yKey, y?.unfilled],
    [xKey, x.unfilled],
  ])
    if (key !== undefined && why !== undefined) unfilled.set(key, why);
  return { yKey, xKey, ys, xs, cells, gaps: cells.length - pairs, unfilled };
}

/** The values of the first keys that have one value only. The map begins below them, as long as two keys are left. */
export function fixedValues({ keys, values }: Partitions): readonly Value[] {
  const fixed: Value[] = [];
  while (keys.length - fixed.length > 2) {
    const value = values[0]?.[fixed.length] ?? null;
    if (values.some((own) => own[fixed.length] !== value)) break;
    fixed.push(value);
  }
  return fixed;
}

/** The values of the two keys of a cell. */
export function valuesOf({ yKey, ys, xs }: Grid<unknown>, index: number): readonly Value[] {
  const x = xs[index % xs.length] ?? null;
  return yKey === undefined ? [x] : [ys[Math.floor(index / xs.length)] ?? null, x];
}

/** The cell of a partition, or of chosen values, whose first `depth` values are those above the grid. */
export function indexOf(
  { yKey, ys, xs }: Grid<unknown>,
  values: readonly Value[],
  depth: number,
): number | undefined {
  const own = values.slice(depth, depth + (yKey === undefined ? 1 : 2));
  if (own.length === 0) return undefined;
  const x = xs.indexOf(own.at(-1) ?? null);
  const y = yKey === undefined ? 0 : ys.indexOf(own[0] ?? null);
  return x < 0 || y < 0 ? undefined : y * xs.length + x;
}

/** The grids to draw, outermost first: each is named by the values above it. */
export function levelsOf(data: Partitions, chosen: readonly Value[]): readonly (readonly Value[])[] {
  const first = fixedValues(data);
  const levels: (readonly Value[])[] = [first];
  for (let depth = first.length + 2; depth < data.keys.length && chosen.length >= depth; depth += 2)
    levels.push(chosen.slice(0, depth));
  return levels;
}
