import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHive, encodeHive, encodeHiveValue } from "./codec.ts";
import { Partition, partition } from "./partition.ts";

const text = fc.string({ unit: "binary" }).filter((value) => value !== "__HIVE_DEFAULT_PARTITION__");
const keyText = text.filter((value) => value !== "" && value !== "__proto__");

describe("the Hive codec", () => {
  it("decodes every encoded string", () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(decodeHive(encodeHive(value))).toBe(value);
        expect(decodeHive(encodeHiveValue(value))).toBe(value);
        // The URL encoding of DuckDB and pyarrow is the same value.
        expect(decodeHive(encodeURIComponent(value))).toBe(value);
      }),
      { numRuns: 2000 },
    );
  });

  it("escapes exactly the characters that Hive escapes, and NUL", () => {
    const characters = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code));
    const escaped = characters.filter((char) => encodeHive(char) !== char);
    expect(escaped.join("")).toBe(`${characters.slice(0, 0x20).join("")}"#%'*/:=?[\\]^{\x7f`);
  });

  it.each([
    ["Texas A&M", "Texas A&M"],
    ["Hawai'i", "Hawai%27i"],
    ["Miami (OH)", "Miami (OH)"],
    ["San José State", "San José State"],
    ["a=b/c", "a%3Db%2Fc"],
    ["100%", "100%25"],
    ["%C3%A9", "%25C3%25A9"],
    ["2024-01-01 00:00:00", "2024-01-01 00%3A00%3A00"],
    ["\t", "%09"],
    ["null", "%6Eull"],
    ["NULL", "%4EULL"],
    ["nullable", "nullable"],
    ["", ""],
    [" ", " "],
    ["..", ".."],
    ["🏈", "🏈"],
  ])("writes the value %j as Hive does: %s", (value, encoded) => {
    expect(encodeHiveValue(value)).toBe(encoded);
    expect(decodeHive(encoded)).toBe(value);
  });

  it.each([
    ["Texas A&M", "Texas A&M"],
    ["100% sure", "100% sure"],
    ["a+b", "a+b"],
    ["%zz", "%zz"],
    ["%ff%fe", "%ff%fe"],
    ["%c3%a9", "é"],
    ["%EF%BB%BFa", "\ufeffa"],
    ["San%20José", "San José"],
  ])("decodes the looser %j as %j", (encoded, value) => {
    expect(decodeHive(encoded)).toBe(value);
  });
});

describe("Partition", () => {
  it("is parsed from its own path, for every key and value and NULL", () => {
    const levels = fc.uniqueArray(fc.tuple(keyText, fc.option(text)), {
      minLength: 1,
      maxLength: 4,
      selector: ([key]) => key.toLowerCase(),
    });
    fc.assert(
      fc.property(levels, (entries) => {
        const made = Partition.of(entries);
        expect(Partition.parse(made.path()).entries).toEqual(made.entries);
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps the order of the keys and converts values to strings", () => {
    expect(partition({ season: "2024", week: 1, bowl: false, id: 10n, division: null }).path()).toBe(
      "season=2024/week=1/bowl=false/id=10/division=__HIVE_DEFAULT_PARTITION__",
    );
  });

  it.each([
    [{ "": "x" }, "empty"],
    [{ year: "1", Year: "2" }, "twice"],
    [{ year: 1.5 }, "1.5"],
    [{ year: Number.NaN }, "NaN"],
    [{ year: "__HIVE_DEFAULT_PARTITION__" }, "means NULL"],
    [{ 2024: "x" }, "reorders"],
    [{ year: undefined }, "undefined"],
    [{ year: {} }, "object"],
    [["year"], "object"],
    [null, "object"],
  ])("refuses %j", (values, reason) => {
    // Plain JavaScript can pass anything.
    expect(() => partition(values as never)).toThrow(expect.objectContaining({ code: "invalid_path" }));
    expect(() => partition(values as never)).toThrow(reason);
  });

  it.each(["year", "=x", "year=1/week", "year=1//week=2"])("does not parse %j", (path) => {
    expect(() => Partition.parse(path)).toThrow(expect.objectContaining({ code: "invalid_path" }));
  });
});
