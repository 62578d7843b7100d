import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWithin, joinKey, parseKey, parsePrefix } from "./key.ts";
import { compareKeys } from "./key-order.ts";

describe("parseKey", () => {
  it.each([
    "a",
    "a/b c/ü",
    "year=2024/team=Texas%20A%26M/x.parquet",
    ".hidden",
    "a..b/...",
    "a\\b",
    "nl\nkey",
  ])("takes %j", (path) => {
    expect(parseKey(path)).toBe(path);
  });

  it.each([
    ["", "empty"],
    ["/a", "absolute"],
    ["a/", "empty segment"],
    ["a//b", "empty segment"],
    ["../x", "would lead elsewhere"],
    ["a/./b", "would lead elsewhere"],
    ["a/../../b", "would lead elsewhere"],
    ["a\0b", "NUL"],
    ["\ud800", "surrogate"],
    ["x".repeat(1025), "1025 bytes"],
    ["ü".repeat(513), "1026 bytes"],
    [undefined, "undefined"],
    [null, "null"],
    [42, "number"],
  ])("refuses %j: %s", (path, reason) => {
    // From plain JavaScript anything can come.
    expect(() => parseKey(path as string)).toThrow(expect.objectContaining({ code: "invalid_path" }));
    expect(() => parseKey(path as string)).toThrow(reason);
  });
});

describe("prefixes", () => {
  it("drops one trailing slash, and accepts the empty prefix", () => {
    expect(parsePrefix("raw/")).toBe("raw");
    expect(parsePrefix("")).toBe("");
    expect(() => parsePrefix("raw//")).toThrow("empty segment");
  });

  it("matches whole segments", () => {
    expect(isWithin("a/week=1", "a/week=1/x")).toBe(true);
    expect(isWithin("a/week=1", "a/week=1")).toBe(true);
    expect(isWithin("a/week=1", "a/week=10/x")).toBe(false);
    expect(isWithin("", "anything")).toBe(true);
    expect(joinKey(parseKey("a"), "b")).toBe("a/b");
  });
});

describe("compareKeys", () => {
  it("compares by UTF-8 bytes", () => {
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(Math.sign(compareKeys(a, b))).toBe(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
