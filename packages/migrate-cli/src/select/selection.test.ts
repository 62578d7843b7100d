import { parseKey } from "@parquetry/core";
import { describe, expect, it } from "vitest";
import { compileSelection, type SelectionOptions } from "./selection.ts";

const judge = (key: string, options?: SelectionOptions): string =>
  compileSelection(options).judge(parseKey(key));

describe("compileSelection", () => {
  it.each([
    ["raw/._part-0.parquet", "apple_double"],
    [".DS_Store", "ds_store"],
    ["raw/.DS_Store", "ds_store"],
    ["raw/a.parquet.tmp", "temporary"],
    ["raw/a.parquet~", "temporary"],
    ["raw/_temporary/0/part.parquet", "temporary"],
    [".env", "env"],
    [".env.bak", "env"],
    ["raw/football.env", "env"],
    ["raw/.environment", "selected"],
    ["raw/a.env.csv", "selected"],
    ["raw/_SUCCESS", "selected"],
    ["raw/tmp/a.parquet", "selected"],
    ["raw/.hidden", "selected"],
  ])("%s: %s", (key, verdict) => {
    expect(judge(key)).toBe(verdict);
  });

  it("reports each pattern that matched nothing once, in whatever order the keys come", () => {
    const selection = compileSelection({
      include: ["raw/", "typo/", "typo/", "*.csv"],
      exclude: ["*.tmp", "raw/locked/", "nothing", "raw/link"],
    });
    const names = (): readonly string[] =>
      selection.unmatched().map(({ option, pattern }) => `${option} ${pattern}`);
    expect(names()).toHaveLength(7);
    for (const key of ["raw/b.csv", "raw/a.tmp", "other/c.parquet"]) selection.judge(parseKey(key));
    selection.mayHold("raw/locked");
    selection.concerns("raw/link");
    expect(names()).toEqual(["include typo/", "exclude nothing"]);
  });

  it("selects the files that are left out by default with leaveOut: false", () => {
    expect(judge("raw/.DS_Store", { leaveOut: false })).toBe("selected");
  });

  it("does not count a file as left out that an option excludes", () => {
    expect(judge("raw/.DS_Store", { include: ["processed/"] })).toBe("filtered");
  });

  it("selects files that match an include, no exclude, every condition, and the shard", () => {
    const options = { include: ["raw/", "*.csv"], exclude: ["**/week=2/*"], where: ["year=2024"] };
    expect(judge("raw/year=2024/week=1/a.parquet", options)).toBe("selected");
    expect(judge("other/year=2024/a.csv", options)).toBe("selected");
    expect(judge("other/year=2024/a.parquet", options)).toBe("filtered");
    expect(judge("raw/year=2024/week=2/a.parquet", options)).toBe("filtered");
    expect(judge("raw/year=2023/week=1/a.parquet", options)).toBe("filtered");
  });

  it("leaves out the system's folders at the top of a drive, and only there", () => {
    for (const name of [
      ".Trashes/501/a.csv",
      ".Spotlight-V100/x",
      "lost+found/#1",
      "$RECYCLE.BIN/a",
      ".fseventsd/0",
    ])
      expect(judge(name)).toBe("system");
    expect(judge("raw/.Trashes/a.csv")).toBe("selected");
    expect(judge(".Trashes")).toBe("selected");
  });

  it.each<[string, SelectionOptions, boolean]>([
    ["raw/locked", {}, true],
    ["raw/locked", { exclude: ["raw/locked/"] }, false],
    ["raw/locked", { exclude: ["raw/locked"] }, false],
    ["raw/locked", { exclude: ["raw/locked/**"] }, false],
    ["raw/locked", { exclude: ["raw/lock*/"] }, false],
    ["raw/locked/deep", { exclude: ["raw/locked/"] }, false],
    ["raw/locked", { exclude: ["raw/locked/*"] }, true],
    ["raw/locked", { exclude: ["raw/locked/*.csv"] }, true],
    ["raw/locked", { exclude: ["raw/locked/deep/"] }, true],
    ["raw/locked", { exclude: ["raw/locked2/"] }, true],
    ["raw/locked", { exclude: ["*.*", "?"] }, true],
    ["raw/locked", { include: ["raw/games/"] }, false],
    ["raw/locked", { include: ["raw/games"] }, false],
    ["raw/locked", { include: ["raw/games/", "raw/"] }, true],
    ["raw/locked", { include: ["*.csv"] }, true],
    ["raw", { include: ["raw/locked/a.csv"] }, true],
    ["raw/locked/deep", { include: ["raw/locked/*"] }, true],
    ["raw/plays/year=2023", { where: ["year=2024"] }, false],
    ["raw/plays/year=2024", { where: ["year=2024,week=1"] }, true],
    ["raw/plays", { where: ["year=2024"] }, true],
    [".Trashes", {}, false],
    [".Trashes", { leaveOut: false }, true],
    ["raw/_temporary", {}, false],
  ])("may hold below %s with %j: %s", (folder, options, may) => {
    expect(compileSelection(options).mayHold(folder)).toBe(may);
  });

  it.each<[string, SelectionOptions, boolean]>([
    ["raw/link", {}, true],
    ["raw/link", { exclude: ["link"] }, false],
    ["raw/link", { exclude: ["raw/"] }, false],
    ["raw/link", { exclude: ["*.csv"] }, true],
    ["raw/link.csv", { exclude: ["*.csv"] }, false],
    ["raw/link", { include: ["raw/games/"] }, false],
    // It may point to a folder with such files.
    ["raw/link", { include: ["*.csv"] }, true],
    ["raw//a.csv", { include: ["raw/"] }, true],
  ])("concerns itself with %s, with %j: %s", (path, options, does) => {
    expect(compileSelection(options).concerns(path)).toBe(does);
  });

  it.each([
    [["raw/"], "raw"],
    [["raw/plays/", "raw/games/*.csv"], "raw"],
    [["raw/plays/", "processed/"], ""],
    [["raw/play/", "raw/plays/"], "raw"],
    [["*.csv", "raw/"], ""],
    [[], ""],
  ])("lists %j from %j", (include, prefix) => {
    expect(compileSelection({ include }).prefix).toBe(prefix);
  });
});
