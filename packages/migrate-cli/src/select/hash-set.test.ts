import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HashSet } from "./hash-set.ts";

describe("HashSet", () => {
  it("adds each hash once, as a Set does, while it grows", () => {
    // Few different ones, and many that share a slot.
    const hash = fc.oneof(
      fc.integer({ min: 0, max: 30 }),
      fc.integer({ min: 0, max: 5000 }).map((n) => n * 1024),
      fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    );
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 3000, size: "max" }), (hashes) => {
        const set = new HashSet();
        const isFirst = (one: number, i: number): boolean => hashes.indexOf(one) === i;
        expect(hashes.map((one) => set.add(one))).toEqual(hashes.map(isFirst));
      }),
      { numRuns: 20 },
    );
  });
});
