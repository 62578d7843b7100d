import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inGroups } from "./in-groups.ts";

const MIB = 1024 * 1024;

describe("inGroups", () => {
  it("keeps every item, in order, in groups of bounded size", () => {
    const bytes = fc.option(fc.integer({ min: 0, max: 2 * MIB }), { nil: undefined });
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 800 }), (items) => {
        const groups = inGroups(items, (one) => one);
        expect(groups.flat()).toEqual(items);
        for (const group of groups) {
          expect(group.length).toBeGreaterThan(0);
          expect(group.length).toBeLessThanOrEqual(64);
          if (group.length > 1)
            expect(group.reduce((a: number, b = 9 * MIB) => a + b, 0)).toBeLessThan(2 * MIB);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("leaves an item that is large, or that is not judged together with others, in a group of one", () => {
    expect(inGroups([1, 2, undefined, 3, 2 * MIB, 4], (one) => one)).toEqual([
      [1, 2],
      [undefined],
      [3],
      [2 * MIB],
      [4],
    ]);
  });
});
