import { describe, expect, it } from "vitest";
import { parseWhere } from "./where.ts";

describe("parseWhere", () => {
  it.each([
    ["year=2024", "raw/year=2024/a", true],
    ["year=2024", "raw/year=2023/a", false],
    ["year=2024", "raw/manifest.json", false],
    ["year=2024", "raw/year=2024", false],
    ["week=1", "raw/week=10/a", false],
    ["week=1", "raw/week=01/a", true],
    ["year=2024,week=1..4", "raw/year=2024/week=4/a", true],
    ["year=2024,week=1..4", "raw/year=2024/week=5/a", false],
    ["week=1..4,year=2024", "raw/year=2024/week=2/a", true],
    ["week=1,3,5..7", "raw/week=6/a", true],
    ["week=1,3,5..7", "raw/week=2/a", false],
    ["week=1,week=3", "raw/week=3/a", true],
    ["week=1..4", "raw/week=bowl/a", false],
    ["team=Texas A&M", "raw/team=Texas%20A%26M/a", true],
    ["team=a%2Cb", "raw/team=a%2Cb/a", true],
    ["id=9007199254740993", "raw/id=9007199254740992/a", false],
    ["team=__HIVE_DEFAULT_PARTITION__", "raw/team=__HIVE_DEFAULT_PARTITION__/a", true],
  ])("%s on %s: %s", (where, key, expected) => {
    expect(parseWhere([where])(key)).toBe(expected);
  });

  it.each(["", "year", "=2024", "year=", "week=4..1", "year=2024,", "year>=2018"])("rejects %j", (where) => {
    expect(() => parseWhere([where])).toThrow(/Expected key=value/);
  });

  it("combines several conditions: the values of a key are alternatives, and all keys are required", () => {
    const holds = parseWhere(["year=2018", "year=2019,week=1", "week=3"]);
    expect(["year=2018/week=3", "year=2019/week=1"].every((path) => holds(`raw/${path}/a`))).toBe(true);
    expect(["year=2019", "year=2019/week=2"].some((path) => holds(`raw/${path}/a`))).toBe(false);
  });
});
