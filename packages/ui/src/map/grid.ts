import { type Axis, axisOf } from "./axis.ts";
import { isBelow, type PartitionLevel, type Partitions, type Value } from "./partitions.ts";

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
  /** The index of the cell that a partition belongs to. */
  readonly cellOf: (partition: number) => number | undefined;
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
  partitions: Partitions,
  above: readonly Value[],
  { make, add }: CellMaker<Cell>,
): Grid<Cell> | undefined {
  const { size, keys, levels } = partitions;
  const depth = above.length;
  if (depth >= keys.length) return undefined;
  const isWithin = isBelow(partitions, above);
  const deepest = levels.at(-1)?.codes ?? [];
  const isShown = (partition: number): boolean => deepest[partition] !== 0 && isWithin(partition);
  const yAt = keys.length - depth > 1 ? depth : undefined;
  const xAt = yAt === undefined ? depth : depth + 1;
  const y = yAt === undefined ? undefined : usedAxis(levels[yAt], size, isShown);
  const x = usedAxis(levels[xAt], size, isShown);
  const [xs, ys] = [x.values, y?.values ?? [undefined]];
  if (xs.length === 0 || ys.length * xs.length > MAX_CELLS) return undefined;
  const cellOf = (partition: number): number | undefined =>
    isShown(partition) ? (y?.placeOf(partition) ?? 0) * xs.length + x.placeOf(partition) : undefined;
  const cells = new Array<Cell | undefined>(ys.length * xs.length).fill(undefined);
  let gaps = cells.length;
  for (let partition = 0; partition < size; partition++) {
    const index = cellOf(partition);
    if (index === undefined) continue;
    let cell = cells[index];
    if (cell === undefined) {
      cell = make();
      cells[index] = cell;
      gaps--;
    }
    add(cell, partition);
  }
  const [xKey = "", yKey] = [keys[xAt], yAt === undefined ? undefined : keys[yAt]];
  const unfilled = new Map<string, string>();
  for (const [key, why] of [
    [yKey, y?.unfilled],
    [xKey, x.unfilled],
  ])
    if (key !== undefined && why !== undefined) unfilled.set(key, why);
  return { yKey, xKey, ys, xs, cells, gaps, unfilled, cellOf };
}

/** The axis of a key over the partitions that are shown, and the place of a partition on it. */
function usedAxis(
  { values, codes }: PartitionLevel = { values: [], spelt: {}, codes: [] },
  size: number,
  isShown: (partition: number) => boolean,
): Axis & { readonly placeOf: (partition: number) => number } {
  const isUsed = new Uint8Array(values.length);
  for (let partition = 0; partition < size; partition++)
    if (isShown(partition)) isUsed[codes[partition] ?? 0] = 1;
  const axis = axisOf(values.filter((_, code) => isUsed[code] === 1));
  const placeOf = new Map(axis.values.map((value, place) => [value, place]));
  const places = values.map((value) => placeOf.get(value) ?? 0);
  return { ...axis, placeOf: (partition) => places[codes[partition] ?? 0] ?? 0 };
}

/** The values of the first keys that have one value only. The map begins below them, as long as two keys are left. */
export function fixedValues({ keys, levels, size }: Partitions): readonly Value[] {
  const fixed: Value[] = [];
  for (const { values, codes } of levels.slice(0, Math.max(0, keys.length - 2))) {
    const value = values[codes[0] ?? 0] ?? null;
    for (let i = 0; i < size; i++) if (values[codes[i] ?? 0] !== value) return fixed;
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
