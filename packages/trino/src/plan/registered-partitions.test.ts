import { Partition } from "@parquetry/core";
import { describe, expect, it } from "vitest";
import type { InputTable } from "./io-explanation.ts";
import { RegisteredPartitions } from "./registered-partitions.ts";

const KEYS = [
  { name: "year", type: "bigint" },
  { name: "team", type: "varchar" },
];
const exactly = (value: string) => ({ low: { value, isIncluded: true }, high: { value, isIncluded: true } });
const input = (...domains: InputTable["domains"]): InputTable => ({
  catalog: "hive",
  schema: "lake",
  table: "plays",
  isEmpty: false,
  domains,
});
const folder = (year: string, team: string | null) => ({
  partition: Partition.of([
    ["year", year],
    ["team", team],
  ]),
});
const ROWS = [
  [2023, "café"],
  [2024, "cafe\u0301"],
  [2024, null],
];

describe("the partitions that Trino knows", () => {
  it("are kept where the query can need them, and so are those that it does not know", () => {
    const year = { column: "year", type: "bigint", nullsAllowed: false, ranges: [exactly("2024")] };
    const registered = new RegisteredPartitions(KEYS, ROWS, [input(year)]);
    expect([...registered.filterKeys]).toEqual(["year"]);
    const level = ["2023", "2024", "2025"].map((value) => Partition.of([["Year", value]]));
    expect(registered.prune(level)).toEqual([false, true, true]);
  });

  it("are told from others by their exact values", () => {
    const registered = new RegisteredPartitions(KEYS, ROWS, [input()]);
    const known = [folder("2023", "café"), folder("2024", "cafe\u0301"), folder("02024", null)];
    const unknown = [folder("2023", "cafe\u0301"), folder("2024", ""), folder("2024", null)];
    expect(registered.unknown([...known, ...unknown])).toEqual(unknown);
  });
});
