import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inGroups } from "./in-groups.ts";

const MIB = 1024 * 1024;

async function groupsOf(
  batches: readonly (readonly (number | undefined)[])[],
): Promise<(number | undefined)[][]> {
  async function* given(): AsyncGenerator<readonly (number | undefined)[]> {
    yield* batches;
  }
  const all: (number | undefined)[][] = [];
  for await (const groups of inGroups(given(), (bytes) => bytes))
    for (const group of groups) all.push([...group]);
  return all;
}

describe("inGroups", () => {
  it("keeps every item, in order, in groups of bounded size", async () => {
    const bytes = fc.option(fc.integer({ min: 0, max: 2 * MIB }), { nil: undefined });
    const batches = fc.array(fc.array(bytes, { maxLength: 200 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(batches, async (items) => {
        const groups = await groupsOf(items);
        expect(groups.flat()).toEqual(items.flat());
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

  it("leaves an item that is large, or that is not judged together with others, in a group of one", async () => {
    expect(await groupsOf([[1, 2, undefined, 3, 2 * MIB, 4], [5]])).toEqual([
      [1, 2],
      [undefined],
      [3],
      [2 * MIB],
      [4],
      [5],
    ]);
  });
});
