import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ContentFacts, decide, type Side } from "./decide.ts";

const facts: fc.Arbitrary<ContentFacts> = fc.record(
  { sizeBytes: fc.integer({ min: 0, max: 2 }), md5: fc.constantFrom("aa", "bb") },
  { requiredKeys: ["sizeBytes"] },
);
const options = fc.record({
  distrust: fc.boolean(),
  readable: fc.subarray<Side>(["source", "target"]),
});

const proven = (a: ContentFacts, b: ContentFacts): boolean =>
  a.sizeBytes === b.sizeBytes && (a.sizeBytes === 0 || (a.md5 !== undefined && a.md5 === b.md5));
const disproven = (a: ContentFacts, b: ContentFacts): boolean =>
  a.sizeBytes !== b.sizeBytes ||
  (a.sizeBytes > 0 && a.md5 !== undefined && b.md5 !== undefined && a.md5 !== b.md5);

describe("decide", () => {
  it("returns skip only with a proof of equality, and differs only with a proof of difference", () => {
    fc.assert(
      fc.property(facts, facts, options, (source, target, given) => {
        const { type } = decide(source, target, given);
        if (type === "skip") expect(proven(source, target)).toBe(true);
        if (type === "differs") expect(disproven(source, target)).toBe(true);
        expect(["skip", "differs", "unverifiable", "read"]).toContain(type);
      }),
    );
  });

  it("reads nothing more once both hashes are known", () => {
    const known = facts.filter(({ md5 }) => md5 !== undefined);
    fc.assert(
      fc.property(known, known, (source, target) => {
        expect(["skip", "differs"]).toContain(decide(source, target).type);
      }),
    );
  });

  it("reads only readable sides, unless it distrusts the listings", () => {
    fc.assert(
      fc.property(facts, facts, options, (source, target, given) => {
        const action = decide(source, target, given);
        if (action.type !== "read") return;
        for (const side of action.sides) expect(given.distrust || given.readable.includes(side)).toBe(true);
      }),
    );
  });

  it("copies missing files and leaves extra files alone, whatever the options", () => {
    fc.assert(
      fc.property(facts, options, (side, given) => {
        expect(decide(side, undefined, given)).toEqual({ type: "copy" });
        expect(decide(undefined, side, given)).toEqual({ type: "extra" });
      }),
    );
  });

  it("needs no proof for two empty files", () => {
    expect(decide({ sizeBytes: 0 }, { sizeBytes: 0 }, { distrust: true })).toEqual({ type: "skip" });
  });

  it("never returns skip by size alone", () => {
    expect(decide({ sizeBytes: 9 }, { sizeBytes: 9 })).toEqual({ type: "unverifiable" });
    expect(decide({ sizeBytes: 9, md5: "aa" }, { sizeBytes: 9 })).toEqual({ type: "unverifiable" });
    expect(decide({ sizeBytes: 9 }, { sizeBytes: 9, md5: "aa" }, { readable: ["source"] })).toEqual({
      type: "read",
      sides: ["source"],
    });
  });
});
