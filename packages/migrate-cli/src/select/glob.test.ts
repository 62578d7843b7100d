import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    ["a[1].csv", "a[1].csv", false],
    ["a[1].csv", "a1.csv", true],
    ["a\\[1].csv", "a[1].csv", true],
    ["a\\[1].csv", "a1.csv", false],
    ["raw/[🏈-🏉]", "raw/🏈", true],
    ["raw/[!a]", "raw/🏈", true],
    ["{[a,b],c}", ",", true],
    ["{[a,b],c}", "c", true],
    ["{[}],c}", "}", true],
    ["[[:digit:][:upper:]-]", "-", true],
    ["[[:digit:][:upper:]-]", "A", true],
    ["[[:digit:][:upper:]-]", "a", false],
    ["[[:punct:]]", "[", true],
    ["[[:punct:]]", "/", false],
    ["[0-]", "-", true],
    ["[a-c-e]", "-", true],
    ["[a-c-e]", "d", false],
    ["[\\]a]", "]", true],
    ["[a\\-c]", "b", false],
    ["raw/year=202[3-5]/", "raw/year=2024/week=1/a", true],
    ["raw/year=202[!3-5]/", "raw/year=2024/week=1/a", false],
    ["raw/[ab]", "raw/a/deep", false],
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
        expect(matches(key.replace(/[*?{}[\\,]/g, "\\$&"), key)).toBe(true);
      }),
    );
  });

  it.each([
    "",
    "/",
    "a{b",
    "a\\",
    "[a",
    "[",
    "[]",
    "[!]",
    "[^]a",
    "a[b\\]",
    "[z-a]",
    "[[:proto:]]",
    "[[:__proto__:]]",
    "raw/{[a,b}",
  ])("rejects %j and names it", (pattern) => {
    expect(() => compileGlob(pattern)).toThrow(
      expect.objectContaining({
        code: "invalid_argument",
        message: expect.stringContaining(`${JSON.stringify(pattern)} is not a pattern: `),
      }),
    );
  });

  describe("matches as git does where the two agree on the syntax", () => {
    const names = ["a", "b", "-", "]", "!", "^", "0", "ab", "a.csv", "A.csv", "x.c", "a b"];
    const keys = [
      ...names,
      ...names.map((name) => `folder/${name}`),
      ...names.map((name) => `folder/deeper/${name}`),
    ];
    it.each([
      ...[
        "[ab]",
        "[!ab]",
        "[^ab]",
        "[]]",
        "[]-]",
        "[!]]",
        "[a-]",
        "[-a]",
        "[--0]",
        "[!a-c]",
        "[[:digit:]]",
        "[[:alpha:]]",
      ],
      ...[
        "[a-c].csv",
        "[[:upper:]].csv",
        "?",
        "??",
        "*.csv",
        "*",
        "\\!",
        "\\^",
        "[\\]]",
        "[a\\-b]",
        "[\\!]",
        "a[b]",
      ],
      ...[
        "folder/[ab]",
        "folder/[!ab]",
        "/folder/[ab]",
        "**/[ab]",
        "folder/**/[ab]",
        "folder/deeper/*",
        "folder[/]a",
        "folder[!x]a",
        "folder?a",
        "/a",
        "/[ab]",
        "folder/deeper/",
        "folder/**",
      ],
    ])("%s", (pattern) => {
      const folder = mkdtempSync(join(tmpdir(), "parquetry-glob-"));
      try {
        execFileSync("git", ["init", "-q"], { cwd: folder });
        writeFileSync(join(folder, ".git", "info", "exclude"), `${pattern}\n`);
        const { stdout } = spawnSync("git", ["check-ignore", "--no-index", "--stdin", "-z"], {
          cwd: folder,
          input: keys.join("\0"),
          env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" },
          encoding: "utf8",
        });
        const ignored = stdout.split("\0").filter((key) => key !== "");
        expect(keys.filter((key) => matches(pattern, key))).toEqual(ignored);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
});

describe("literalFolder", () => {
  it.each([
    ["raw/", "raw"],
    ["raw/plays/year=*", "raw/plays"],
    ["raw/plays/a.csv", "raw/plays"],
    ["{raw,processed}/", ""],
    ["*.csv", ""],
    ["raw/[ab]/x", "raw"],
    ["/raw/x", "raw"],
    ["ra\\w/x", ""],
  ])("%s: %j", (pattern, folder) => {
    expect(literalFolder(pattern)).toBe(folder);
  });
});
