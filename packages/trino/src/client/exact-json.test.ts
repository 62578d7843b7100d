import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExactJson } from "./exact-json.ts";

describe("parseExactJson", () => {
  it.each([
    ["[9007199254740993]", ["9007199254740993"]],
    ["[-9223372036854775808,1]", ["-9223372036854775808", 1]],
    ["[123456789012345]", [123456789012345]],
    ["[0.1234567890123456789]", [Number("0.1234567890123456789")]],
    ["[1234567890123456789.5]", [Number("1234567890123456789.5")]],
    ["[1.2345678901234567E19, 1e-1234567890123456]", [1.2345678901234567e19, 0]],
    ['["9007199254740993", "a\\"9007199254740993"]', ["9007199254740993", 'a"9007199254740993']],
    ['["\\\\", 9007199254740993, "\\\\\\""]', ["\\", "9007199254740993", '\\"']],
    ['{"9007199254740993": 9007199254740993}', { "9007199254740993": "9007199254740993" }],
  ])("keeps the digits of whole numbers and changes nothing else: %s", (text, expected) => {
    expect(parseExactJson(text)).toEqual(expected);
  });

  it("finds the end of a string of 20 million characters", () => {
    const long = 'x"\\'.repeat(7_000_000);
    expect(parseExactJson(JSON.stringify([long, 1]).replace(",1]", ",9007199254740993]"))).toEqual([
      long,
      "9007199254740993",
    ]);
  });

  it("parses any JSON as JSON.parse does, apart from long integers", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify([value, "1234567890123456"]);
        const plain = JSON.parse(text, (_, one) =>
          typeof one === "number" && /^-?\d{16,}$/.test(JSON.stringify(one)) ? JSON.stringify(one) : one,
        );
        expect(parseExactJson(text)).toEqual(plain);
      }),
    );
  });
});
