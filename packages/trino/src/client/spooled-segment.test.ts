import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rowPieces } from "./spooled-segment.ts";

describe("rowPieces", () => {
  it.each([
    ["[]", ["[]"]],
    ["[[1]]", ["[[1]]"]],
    ["[[1],[2]]", ["[[1]]", "[[2]]"]],
    ['[["],["],["\\\\"],["\\"]"]]', ['[["],["]]', '[["\\\\"]]', '[["\\"]"]]']],
    ["[[[1],[2]],[3]]", ["[[[1],[2]]]", "[[3]]"]],
  ])("splits %s between its rows only", (text, pieces) => {
    expect([...rowPieces(Buffer.from(text), 1)].map(String)).toEqual(pieces);
  });

  it("keeps every row of any result, whatever the size of a piece", () => {
    const rows = fc.array(fc.array(fc.jsonValue(), { minLength: 1 }));
    fc.assert(
      fc.property(rows, fc.nat(50), (values, size) => {
        const text = JSON.stringify(values);
        const pieces = [...rowPieces(Buffer.from(text), size)].map(String);
        expect(pieces.flatMap((piece) => JSON.parse(piece))).toEqual(JSON.parse(text));
        if (size === 0 && values.length > 0) expect(pieces).toHaveLength(values.length);
      }),
    );
  });
});
