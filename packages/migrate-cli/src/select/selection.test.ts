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
    ["raw/_SUCCESS", "selected"],
    ["raw/tmp/a.parquet", "selected"],
    ["raw/.hidden", "selected"],
  ])("%s: %s", (key, verdict) => {
    expect(judge(key)).toBe(verdict);
  });

  it("takes what is left out by default when told to", () => {
    expect(judge("raw/.DS_Store", { leaveOut: false })).toBe("selected");
  });

  it("counts nothing as left out that another option excludes", () => {
    expect(judge("raw/.DS_Store", { include: ["processed/"] })).toBe("filtered");
  });

  it("needs one include, no exclude, every condition, and the shard", () => {
    const options = { include: ["raw/", "*.csv"], exclude: ["**/week=2/*"], where: ["year=2024"] };
    expect(judge("raw/year=2024/week=1/a.parquet", options)).toBe("selected");
    expect(judge("other/year=2024/a.csv", options)).toBe("selected");
    expect(judge("other/year=2024/a.parquet", options)).toBe("filtered");
    expect(judge("raw/year=2024/week=2/a.parquet", options)).toBe("filtered");
    expect(judge("raw/year=2023/week=1/a.parquet", options)).toBe("filtered");
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
