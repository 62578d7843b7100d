import { describe, expect, it } from "vitest";
import { bindParameters } from "./bind-parameters.ts";

describe("bindParameters", () => {
  it.each([
    [
      "SELECT $a, '$a', \"$a\", -- $a\n /* $a /* $a */ $a */ $a",
      { a: 1 },
      "SELECT CAST('1' AS INTEGER), '$a', \"$a\", -- $a\n /* $a /* $a */ $a */ CAST('1' AS INTEGER)",
    ],
    ["SELECT ?, '?', ?", [1, "x"], "SELECT CAST('1' AS INTEGER), '?', 'x'"],
    ["SELECT $2, $1, $1", [true, null], "SELECT NULL, true, true"],
    ["SELECT $$ $a $$, $t$ $a $t$, $a", { a: false }, "SELECT $$ $a $$, $t$ $a $t$, false"],
    ["SELECT E'it\\'s $a', $a", { a: "'; DROP" }, "SELECT E'it\\'s $a', '''; DROP'"],
    ["SELECT 'it''s $a', a$a, $a", { a: "b" }, "SELECT 'it''s $a', a$a, 'b'"],
    ["SELECT $a.x", { a: { x: 1 } }, "SELECT ({'x': CAST('1' AS INTEGER)}).x"],
    ["SELECT $a", { a: "a\0b" }, "SELECT ('a' || chr(0) || 'b')"],
    ["SELECT $a", { a: 2 ** 40 }, "SELECT CAST('1099511627776' AS BIGINT)"],
    ["SELECT $a", { a: 2n ** 100n }, "SELECT CAST('1267650600228229401496703205376' AS HUGEINT)"],
    ["SELECT $a", { a: -0 }, "SELECT CAST('-0.0' AS DOUBLE)"],
    ["SELECT $a", { a: [1.5, Number.NaN] }, "SELECT [CAST('1.5' AS DOUBLE), CAST('NaN' AS DOUBLE)]"],
    ["SELECT $a", { a: undefined }, "SELECT NULL"],
    ["SELECT $a", { a: new Date(-1) }, "SELECT make_timestamp(CAST('-1000' AS BIGINT))"],
    ["SELECT $a", { a: new Uint8Array([0, 255]) }, "SELECT from_hex('00ff')"],
    ["SELECT $a", { a: new Map([["k", 1n]]) }, "SELECT MAP {'k': CAST('1' AS INTEGER)}"],
  ] as const)("binds %s", (sql, parameters, expected) => {
    expect(bindParameters(sql, parameters)).toBe(expected);
  });

  it.each([
    ["SELECT $a", {}, /\$a has no value/],
    ["SELECT $a", undefined, /\$a has no value/],
    ["SELECT $year", { yaer: 1, year: 2 }, /the SQL has \$year, got \$yaer/],
    ["SELECT ?", [1, 2], /the SQL has \$1, got \$2/],
    ["SELECT $a", { a: new Date(Number.NaN) }, /invalid Date/],
    ["SELECT $a", { a: "\ud800" }, /surrogate/],
    ["SELECT $a", { a: 2n ** 200n }, /128 bits/],
    ["SELECT $a", { a: {} }, /without fields/],
  ] as const)("refuses %s with %o", (sql, parameters, message) => {
    expect(() => bindParameters(sql, parameters)).toThrow(message);
  });
});
