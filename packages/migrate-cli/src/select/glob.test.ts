import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileGlob, literalFolder } from "./glob.ts";

const matches = (pattern: string, key: string): boolean => compileGlob(pattern)(key);

describe("compileGlob", () => {
  it.each([
    ["raw/", "raw/a.parquet", true],
    ["raw/", "raw/plays/year=2024/a.parquet", true],
    ["raw/", "rawer/a.parquet", false],
    ["raw/", "old/raw/a.parquet", false],
    ["raw/plays", "raw/plays/year=2024/a.parquet", true],
    ["raw/plays", "raw/plays_old/a.parquet", false],
    ["plays", "raw/plays/a.parquet", true],
    ["raw/*/plays", "raw/old/plays/a.parquet", true],
    ["raw/*", "raw/a", true],
    ["raw/*", "raw/b/a", false],
    ["raw/**", "raw/b/a", true],
    ["raw/**/a", "raw/a", true],
    ["raw/**/a", "raw/b/c/a", true],
    ["raw/**/a", "raw/ba", false],
    ["**/week=1/*", "raw/plays/week=1/a", true],
    ["**/week=1/*", "raw/plays/week=10/a", false],
    ["*.csv", "deep/down/a.csv", true],
    ["*.csv", "a.csv", true],
    ["*.csv", "a.csv.gz", false],
    ["/manifest.json", "manifest.json", true],
    ["/manifest.json", "raw/manifest.json", false],
    ["manifest.json", "raw/manifest.json", true],
    ["raw/{plays,games}/*", "raw/games/a", true],
    ["raw/{plays,games}/*", "raw/drives/a", false],
    ["{a,b/{c,d}}/x", "b/d/x", true],
    ["raw/year=202?/a", "raw/year=2024/a", true],
    ["raw/year=202?/a", "raw/year=202/a", false],
    ["raw/?", "raw/🏈", true],
    ["a[1].csv", "a[1].csv", true],
    ["a[1].csv", "a1.csv", false],
    ["a\\*.csv", "a*.csv", true],
    ["a\\*.csv", "ab.csv", false],
    ["a.b", "axb", false],
    ["a+b/(c)|d", "a+b/(c)|d", true],
    ["a,b", "a,b", true],
  ])("%s on %s: %s", (pattern, key, expected) => {
    expect(matches(pattern, key)).toBe(expected);
  });

  it("matches a key by itself once its special characters are escaped", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
        const key = `root/${text}`;
        if (key.endsWith("/")) return;
        expect(matches(key.replace(/[*?{}\\,]/g, "\\$&"), key)).toBe(true);
      }),
    );
  });

  it.each(["", "/", "a{b", "a\\"])("rejects %j", (pattern) => {
    expect(() => compileGlob(pattern)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("literalFolder", () => {
  it.each([
    ["raw/", "raw"],
    ["raw/plays/year=*", "raw/plays"],
    ["raw/plays/a.csv", "raw/plays"],
    ["{raw,processed}/", ""],
    ["*.csv", ""],
    ["/raw/x", "raw"],
    ["ra\\w/x", ""],
  ])("%s: %j", (pattern, folder) => {
    expect(literalFolder(pattern)).toBe(folder);
  });
});
