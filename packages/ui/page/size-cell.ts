import type { PartitionCounts, TableData } from "../src/answers.ts";
import { type CellMaker, type Grid, pathOf } from "../src/map/grid.ts";
import { type Value, valuesAt } from "../src/map/partitions.ts";
import type { Measure } from "./state.ts";

const MINUTE_MS = 60_000;

/** A cell of the map: the sums of the partitions below one pair of values. */
export interface SizeCell {
  partitions: number;
  files: number;
  bytes: number;
  newest: number;
  rows: number | undefined;
  nulls: number | undefined;
}

/** Sums partitions, with the rows that were counted. */
export function sizeCells(data: TableData, counts: PartitionCounts | undefined): CellMaker<SizeCell> {
  const counted = countsByPath(counts);
  const { files, bytes, newestMinute } = data.numbers;
  return {
    make: () => ({ partitions: 0, files: 0, bytes: 0, newest: 0, rows: undefined, nulls: undefined }),
    add(cell, i) {
      cell.partitions++;
      cell.files += files[i] ?? 0;
      cell.bytes += bytes[i] ?? 0;
      cell.newest = Math.max(cell.newest, (newestMinute[i] ?? 0) * MINUTE_MS);
      const own = counted?.get(pathOf(valuesAt(data, i)));
      if (own === undefined) return;
      cell.rows = (cell.rows ?? 0) + own.rows;
      cell.nulls = (cell.nulls ?? 0) + own.nulls;
    },
  };
}

function countsByPath(
  counts: PartitionCounts | undefined,
): Map<string, { rows: number; nulls: number }> | undefined {
  if (counts === undefined) return undefined;
  return new Map(
    counts.values.map((values, i) => [
      // Keys are cast to text by the query.
      pathOf(values as readonly Value[]),
      { rows: counts.rows[i] ?? 0, nulls: counts.nulls?.[i] ?? 0 },
    ]),
  );
}

/** The number that a cell's colour shows, or undefined where it is not known. */
export function amountOf(cell: SizeCell, measure: Measure): number | undefined {
  if (measure !== "nulls") return cell[measure];
  if (cell.rows === undefined || cell.nulls === undefined) return undefined;
  return cell.rows === 0 ? 0 : cell.nulls / cell.rows;
}

/** The least and the greatest amount of a grid; undefined where none is known. */
export function extentOf(grid: Grid<SizeCell>, measure: Measure): readonly [number, number] | undefined {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const cell of grid.cells) {
    const amount = cell && amountOf(cell, measure);
    if (amount === undefined) continue;
    least = Math.min(least, amount);
    most = Math.max(most, amount);
  }
  if (least > most) return undefined;
  return measure === "nulls" ? [0, 1] : [least, most];
}

/** Returns a function from an amount to a place on the colour scale, 0 to 1. Sums are compared by their logarithm. */
export function scaleOf(grid: Grid<SizeCell>, measure: Measure): (amount: number) => number {
  const bend = measure === "newest" || measure === "nulls" ? (amount: number): number => amount : Math.log1p;
  const [from, to] = (extentOf(grid, measure) ?? [0, 0]).map(bend) as [number, number];
  return (amount) => (to === from ? 1 : (bend(amount) - from) / (to - from));
}
