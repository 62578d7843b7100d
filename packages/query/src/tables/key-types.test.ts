import { describe, expect, it } from "vitest";
import { checkKeyTypes, inferKeyTypes, isBigint } from "./key-types.ts";

describe("key types", () => {
  it.each(["0", "-5", "2024", "9223372036854775807", "-9223372036854775808"])(
    "recognizes %s as BIGINT",
    (text) => {
      expect(isBigint(text)).toBe(true);
    },
  );

  it.each(["", "01", "-0", "+1", "1.0", "1e3", " 1", "9223372036854775808", "null"])(
    "recognizes %j as a string",
    (text) => {
      expect(isBigint(text)).toBe(false);
    },
  );

  it("infers BIGINT only where every value is one, and ignores NULL", () => {
    const seen = [
      [
        ["year", "2024"],
        ["week", "1"],
        ["team", null],
      ],
      [
        ["year", null],
        ["week", "01"],
        ["team", null],
      ],
    ] as const;
    expect(inferKeyTypes(["year", "week", "team"], seen, { day: "DATE" })).toEqual([
      { name: "year", type: "BIGINT" },
      { name: "week", type: "VARCHAR" },
      { name: "team", type: "VARCHAR" },
      { name: "day", type: "DATE" },
    ]);
  });

  it("refuses values that contradict the types", () => {
    const keys = [{ name: "week", type: "BIGINT" }];
    expect(() => checkKeyTypes("raw/plays", keys, {}, [[["week", "bowl"]]])).toThrow(
      /hiveTypes: \{ "raw\/plays": \{ week: "VARCHAR"/,
    );
    expect(() => checkKeyTypes("raw/plays", keys, {}, [[["day", "1"]]])).toThrow(/has the key day/);
    expect(() => checkKeyTypes("raw/plays", keys, { week: "BIGINT" }, [[["week", "bowl"]]])).not.toThrow();
    expect(() => checkKeyTypes("raw/plays", keys, {}, [[["week", null]]])).not.toThrow();
  });
});
