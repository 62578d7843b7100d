import { describe, expect, it } from "vitest";
import { formatBytes, formatBytesOf, formatDuration, formatFiles, formatUsd } from "./format-amount.ts";
import { formatTable } from "./format-table.ts";
import { cutText, textWidth } from "./text-width.ts";

describe("amounts", () => {
  it("shows bytes, times and dollars as people read them", () => {
    expect([0, 999, 1000, 48_123, 999_960, 2.3e9, 1.5e15].map(formatBytes)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "48.1 kB",
      "1.0 MB",
      "2.3 GB",
      "1.5 PB",
    ]);
    expect([0, 9_949, 59_000, 185_000, 3_723_000].map(formatDuration)).toEqual([
      "0 ms",
      "9.9 s",
      "59 s",
      "3:05",
      "1:02:03",
    ]);
    expect([0, 0.001, 0.09, 1234.5, 1234567.891].map(formatUsd)).toEqual([
      ...["$0.00", "<$0.01", "$0.09", "$1,234.50", "$1,234,567.89"],
    ]);
    expect([formatBytesOf(0, 5), formatBytesOf(4e8, 2.3e9)]).toEqual(["0/5 B", "0.4/2.3 GB"]);
    expect([1, 999, 1000, 31_857, 2_000_000].map(formatFiles)).toEqual([
      ...["1 file", "999 files", "1,000 files", "31,857 files", "2,000,000 files"],
    ]);
  });
});

describe("formatTable", () => {
  it("aligns columns and never grows beyond the width", () => {
    const lines = formatTable(
      [
        ["entity", "files"],
        [`processed/${"x".repeat(90)}/end`, "31,857"],
        ["🏈", "1"],
      ],
      40,
    );
    expect(lines.map(textWidth)).toEqual([40, 40, 40]);
    expect(lines[1]).toMatch(/^processed\/x+…x+\/end {2}31,857$/);
  });

  it("cuts in the middle", () => {
    expect(cutText("abc", 3)).toBe("abc");
    expect(cutText("processed/byplay", 10, 3)).toBe("proces…lay");
  });
});
