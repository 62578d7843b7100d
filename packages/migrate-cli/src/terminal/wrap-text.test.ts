import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wrapText } from "./wrap-text.ts";

describe("wrapText", () => {
  it("keeps every word, and every line within the width unless one word is longer", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 40 }), (list, width) => {
        const lines = wrapText(list.join(" "), width);
        expect(lines.join(" ")).toBe(list.join(" "));
        for (const line of lines) expect(line.length <= width || !line.includes(" ")).toBe(true);
      }),
    );
  });

  it("leaves what fits, keeps the indent, and does not count what sets a style", () => {
    expect(wrapText("folder   copy\nraw         1", 13)).toEqual(["folder   copy", "raw         1"]);
    expect(wrapText("  one two three", 9)).toEqual(["  one two", "  three"]);
    expect(wrapText("\u001b[31merror:\u001b[39m one two", 10)).toEqual([
      "\u001b[31merror:\u001b[39m one",
      "two",
    ]);
    expect(wrapText("one  two", 4)).toEqual(["one", "two"]);
  });
});
