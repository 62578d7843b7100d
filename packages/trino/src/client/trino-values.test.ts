import { describe, expect, it } from "vitest";
import type { TypeSignature } from "./protocol.ts";
import { converterOf } from "./trino-values.ts";

const type = (rawType: string, ...values: unknown[]): TypeSignature => ({
  rawType,
  arguments: values.map((value) => ({ kind: typeof value === "number" ? "LONG" : "TYPE", value })),
});
const field = (name: string | undefined, typeSignature: TypeSignature): object => ({
  fieldName: name === undefined ? null : { name },
  typeSignature,
});

describe("a value of Trino", () => {
  it.each<[string, TypeSignature, unknown, unknown]>([
    ["bigint beyond 2^53", type("bigint"), "9223372036854775807", 9223372036854775807n],
    ["bigint of 16 digits that is safe", type("bigint"), "9007199254740991", 9007199254740991],
    ["boolean", type("boolean"), true, true],
    ["double NaN", type("double"), "NaN", Number.NaN],
    ["double -Infinity", type("double"), "-Infinity", Number.NEGATIVE_INFINITY],
    ["real", type("real"), 0.1, 0.1],
    ["short decimal", type("decimal", 4, 2), "-12.50", -12.5],
    ["long decimal", type("decimal", 38, 2), "12345678901234567890.10", "12345678901234567890.10"],
    ["decimal without scale", type("decimal", 38, 0), "12345678901234567890", 12345678901234567890n],
    ["decimal below 1", type("decimal", 38, 3), "-0.001", "-0.001"],
    ["varbinary", type("varbinary"), "AP8=", new Uint8Array([0, 255])],
    ["char", type("char", 3), "ab ", "ab "],
    ["uuid", type("uuid"), "12151fd2-7586-11e9-8f9e-2a86e4085a59", "12151fd2-7586-11e9-8f9e-2a86e4085a59"],
    ["interval", type("interval day to second"), "3 00:00:00.000", "3 00:00:00.000"],
    ["date", type("date"), "2024-02-29", new Date("2024-02-29")],
    ["date before the year 0", type("date"), "-0044-03-15", new Date("-000044-03-15")],
    ["date beyond a Date", type("date"), "300000-01-01", "+300000-01-01"],
    ["timestamp(3)", type("timestamp", 3), "2024-01-01 10:00:00.123", new Date("2024-01-01T10:00:00.123Z")],
    ["timestamp(6)", type("timestamp", 6), "2024-01-01 10:00:00.123456", "2024-01-01T10:00:00.123456Z"],
    [
      "timestamp(6) that a Date holds",
      type("timestamp", 6),
      "2024-01-01 10:00:00.123000",
      new Date("2024-01-01T10:00:00.123Z"),
    ],
    [
      "timestamp(12)",
      type("timestamp", 12),
      "2024-01-01 10:00:00.123456789012",
      "2024-01-01T10:00:00.123456789012Z",
    ],
    [
      "instant",
      type("timestamp with time zone", 0),
      "2024-01-01 10:00:00 UTC",
      new Date("2024-01-01T10:00:00Z"),
    ],
    [
      "instant with an offset",
      type("timestamp with time zone", 0),
      "2024-01-01 10:00:00 +05:30",
      new Date("2024-01-01T04:30:00Z"),
    ],
    [
      "instant in a zone",
      type("timestamp with time zone", 0),
      "2024-07-01 00:00:00 Europe/Berlin",
      new Date("2024-06-30T22:00:00Z"),
    ],
    [
      "instant that a zone has twice",
      type("timestamp with time zone", 0),
      "2024-10-27 02:30:00 Europe/Berlin",
      "2024-10-27 02:30:00 Europe/Berlin",
    ],
    ["array", type("array", type("bigint")), ["9223372036854775807", null], [9223372036854775807n, null]],
    [
      "map",
      type("map", type("bigint"), type("double")),
      { "9223372036854775807": "NaN" },
      [{ key: 9223372036854775807n, value: Number.NaN }],
    ],
    [
      "row",
      {
        rawType: "row",
        arguments: [
          { kind: "NAMED_TYPE", value: field("a", type("date")) },
          { kind: "NAMED_TYPE", value: field(undefined, type("varchar")) },
        ],
      },
      ["2024-01-01", null],
      { a: new Date("2024-01-01"), field1: null },
    ],
    ["a type of the future", type("vector"), [1, 2], [1, 2]],
  ])("follows the rule at QueryResult: %s", (_, signature, value, expected) => {
    expect(converterOf(signature, {})(value)).toStrictEqual(expected);
    expect(converterOf(signature, {})(null)).toBeNull();
  });

  it("is a Date or text where the caller wants it", () => {
    const text = "1969-12-31 23:59:59.999999";
    expect(converterOf(type("timestamp", 6), { timestamps: "date" })(text)).toEqual(new Date(-1));
    expect(converterOf(type("timestamp", 6), { timestamps: "text" })(text)).toBe(
      "1969-12-31T23:59:59.999999",
    );
  });
});
