import { partition } from "@parquetry/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SizeCell, sizeCells } from "../page/size-cell.ts";
import type { TableData } from "../src/answers.ts";
import { PartitionStore } from "../src/data/partition-store.ts";
import { axisOf } from "../src/map/axis.ts";
import { fixedValues, type Grid, gridOf } from "../src/map/grid.ts";
import { packPartitions, unpackPartitions } from "../src/map/packed-partitions.ts";
import type { Value } from "../src/map/partitions.ts";

/** A table of these partitions, as the page gets it. */
function dataOf(keys: readonly string[], partitions: readonly (readonly Value[])[]): TableData {
  const store = new PartitionStore(["files", "bytes", "newestMinute"]);
  for (const [i, values] of partitions.entries()) {
    const folders = values.map((value, level) => partition({ [keys[level] ?? ""]: value }).path());
    const index = store.indexOf(folders);
    expect(index).toBe(i);
    store.add("files", index, 1);
    store.add("bytes", index, i + 1);
  }
  return unpackPartitions(packPartitions(store.table("t", keys, true)).buffer);
}

const sizesOf = (data: TableData, above: readonly string[] = []): Grid<SizeCell> | undefined =>
  gridOf(data, above, sizeCells(data, undefined));

describe("axisOf", () => {
  it("fills in missing integers, also padded ones, and sorts them as numbers", () => {
    expect(axisOf(["10", "8", "11"])).toEqual({ values: ["8", "9", "10", "11"] });
    expect(axisOf(["08", "11", "09"])).toEqual({ values: ["08", "09", "10", "11"] });
    expect(axisOf(["9999", "10001"])).toEqual({ values: ["9999", "10000", "10001"] });
  });

  it("fills in missing days and months, at the distance that the others have", () => {
    expect(axisOf(["2024-02-28", "2024-03-01", "2024-03-02"]).values).toEqual([
      "2024-02-28",
      "2024-02-29",
      "2024-03-01",
      "2024-03-02",
    ]);
    const weeks = ["2024-12-18", "2024-12-25", "2025-01-08"];
    expect(axisOf(weeks).values).toEqual(["2024-12-18", "2024-12-25", "2025-01-01", "2025-01-08"]);
    expect(axisOf(["2023-11", "2024-02", "2024-01"]).values).toEqual([
      "2023-11",
      "2023-12",
      "2024-01",
      "2024-02",
    ]);
  });

  it("fills in nothing between text, sparse numbers, values of two spellings, and days that do not exist, and says why", () => {
    for (const values of [
      ["a", "b"],
      ["1", "03"],
      ["1.5", "401"],
      ["2024-02-29", "2024-02-30"],
      ["", "1"],
    ]) {
      const { unfilled, values: shown } = axisOf(values);
      expect(shown).toEqual(values);
      expect(unfilled).toMatch(/neither numbers nor dates/);
    }
    expect(axisOf(["1", "100000"])).toEqual({
      values: ["1", "100000"],
      unfilled: "most values between the first and the last are missing",
    });
  });

  it("puts NULL last, and has nothing to fill in for one value", () => {
    expect(axisOf([null, "3", "1"])).toEqual({ values: ["1", "2", "3", null] });
    expect(axisOf([null, "text"])).toEqual({ values: ["text", null] });
  });
});

describe("gridOf", () => {
  const value = fc.oneof(
    fc.constantFrom<string | null>("1", "2", "5", "01", "a", "", null),
    fc.string({ maxLength: 3 }),
  );

  it("puts every partition below a pair of values into exactly one cell", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }).chain((depth) =>
          fc.uniqueArray(fc.array(value, { minLength: depth, maxLength: depth }), {
            minLength: 1,
            maxLength: 40,
            selector: (values) => JSON.stringify(values),
          }),
        ),
        (values) => {
          const depth = values[0]?.length ?? 0;
          const data = dataOf(["a", "b", "c"].slice(0, depth), values);
          const grid = sizesOf(data);
          if (grid === undefined) throw new Error("no grid");
          const cells = grid.cells.filter((cell) => cell !== undefined);
          expect(cells.reduce((sum, { partitions }) => sum + partitions, 0)).toBe(values.length);
          expect(cells.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(
            (values.length * (values.length + 1)) / 2,
          );
          expect(grid.cells.length).toBe(grid.ys.length * grid.xs.length);
          expect(grid.gaps).toBe(grid.cells.length - cells.length);
          const [first] = values;
          const x = grid.xs.indexOf(first?.[depth === 1 ? 0 : 1] ?? null);
          const y = depth === 1 ? 0 : grid.ys.indexOf(first?.[0] ?? null);
          expect(grid.cells[y * grid.xs.length + x]).toBeDefined();
        },
      ),
    );
  });

  it("shows a missing week as a gap, and a missing year as a row of gaps", () => {
    const grid = sizesOf(
      dataOf(
        ["year", "week"],
        [
          ["2020", "1"],
          ["2020", "2"],
          ["2020", "3"],
          ["2022", "1"],
          ["2022", "3"],
        ],
      ),
    );
    expect(grid?.ys).toEqual(["2020", "2021", "2022"]);
    expect(grid?.cells.map((cell) => cell !== undefined)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      true,
      false,
      true,
    ]);
    expect(grid?.gaps).toBe(4);
  });

  it("begins below keys with one value, as long as two keys are left", () => {
    const data = dataOf(
      ["y", "m", "d"],
      [
        ["2001", "1", "1"],
        ["2001", "1", "2"],
      ],
    );
    expect(fixedValues(data)).toEqual(["2001"]);
    expect(sizesOf(data, ["2001"])?.yKey).toBe("m");
  });
});
