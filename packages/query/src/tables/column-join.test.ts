import { describe, expect, it } from "vitest";
import { joinTypes } from "./column-join.ts";

describe("joinTypes", () => {
  it.each([
    ["BIGINT", "BIGINT", "BIGINT"],
    ["INTEGER", "BIGINT", "BIGINT"],
    ["UTINYINT", "SMALLINT", "SMALLINT"],
    ["UBIGINT", "BIGINT", "HUGEINT"],
    ["UINTEGER", "TINYINT", "BIGINT"],
    ["BIGINT", "DOUBLE", "DOUBLE"],
    ["FLOAT", "INTEGER", "DOUBLE"],
    ["DECIMAL(5,2)", "DECIMAL(10,4)", "DECIMAL(10,4)"],
    ["DECIMAL(5,2)", "BIGINT", "DECIMAL(21,2)"],
    ["DATE", "TIMESTAMP", "TIMESTAMP"],
    ["JSON", "VARCHAR", "VARCHAR"],
    ["INTEGER[]", "BIGINT[]", "BIGINT[]"],
    ["BOOLEAN", "INTEGER", undefined],
    ["BOOLEAN", "VARCHAR", undefined],
    ["BIGINT", "VARCHAR", undefined],
    ["DOUBLE", "VARCHAR", undefined],
    ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE", undefined],
    ["DECIMAL(38,2)", "DECIMAL(38,4)", undefined],
    ["DECIMAL(5,2)", "DOUBLE", undefined],
    ["BIGINT[]", "DOUBLE[]", undefined],
  ])("joins %s and %s to %s", (a, b, expected) => {
    expect(joinTypes(a, b)).toBe(expected);
    expect(joinTypes(b, a)).toBe(expected);
  });
});
