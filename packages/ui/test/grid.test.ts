import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TableData } from "../page/api.ts";
import { axis, fixedValues, gridOf } from "../page/grid.ts";

function dataOf(keys: readonly string[], values: readonly (readonly (string | null)[])[]): TableData {
  const ones = values.map(() => 1);
  return {
    entity: "t",
    keys,
    isDone: true,
    folders: values.map((_, i) => `f${i}`),
    values,
    files: ones,
    bytes: values.map((_, i) => i + 1),
    newest: ones,
    small: ones,
  };
}

describe("axis", () => {
  it("fills in missing integers, also padded ones, and sorts them as numbers", () => {
    expect(axis(["10", "8", "11"])).toEqual(["8", "9", "10", "11"]);
    expect(axis(["08", "11", "09"])).toEqual(["08", "09", "10", "11"]);
  });

  it("fills in nothing between text, sparse numbers, or values of two spellings", () => {
    expect(axis(["b", "a"])).toEqual(["a", "b"]);
    expect(axis(["1", "100000"])).toEqual(["1", "100000"]);
    expect(axis(["1", "03"])).toEqual(["1", "03"]);
    expect(axis(["401", "1.5"])).toEqual(["1.5", "401"]);
  });

  it("puts NULL last", () => {
    expect(axis([null, "2", "1"])).toEqual(["1", "2", null]);
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
          const grid = gridOf(data, [], undefined);
          if (grid === undefined) throw new Error("no grid");
          const cells = grid.cells.filter((cell) => cell !== undefined);
          expect(cells.reduce((sum, { partitions }) => sum + partitions, 0)).toBe(values.length);
          expect(cells.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(data.bytes.reduce((a, b) => a + b));
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
    const grid = gridOf(
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
      [],
      undefined,
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
    expect(gridOf(data, ["2001"], undefined)?.yKey).toBe("m");
  });
});
