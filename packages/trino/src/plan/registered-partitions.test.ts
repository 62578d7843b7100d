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

const year = (...values: readonly string[]): InputTable =>
  input({ column: "year", type: "bigint", nullsAllowed: false, ranges: values.map(exactly) });

describe("the partitions that Trino knows", () => {
  it("are left out only where no partition can be needed, known or not", () => {
    // Trino knows no partition of 2025, and so names no range with it.
    const registered = new RegisteredPartitions(KEYS, ROWS, [year("2024")], [year("2024", "2025")]);
    expect([...registered.filterKeys]).toEqual(["year"]);
    const level = ["2023", "2024", "2025"].map((value) => Partition.of([["Year", value]]));
    expect(registered.prune(level)).toEqual([false, true, true]);
  });

  it("are told from others by their exact values", () => {
    const registered = new RegisteredPartitions(KEYS, ROWS, [input()], [input()]);
    const known = [folder("2023", "café"), folder("2024", "cafe\u0301"), folder("02024", null)];
    const unknown = [folder("2023", "cafe\u0301"), folder("2024", ""), folder("2024", null)];
    expect(registered.divide([...known, ...unknown])).toEqual({ needed: known, unknown });
  });

  it("are not needed where Trino leaves them out by more than ranges", () => {
    const registered = new RegisteredPartitions(KEYS, ROWS, [year("2023")], [input()]);
    expect(registered.divide([folder("2023", "café"), folder("2024", null)])).toEqual({
      needed: [folder("2023", "café")],
      unknown: [],
    });
    expect(registered.isUnneeded).toBe(false);
    expect(new RegisteredPartitions(KEYS, ROWS, [], []).isUnneeded).toBe(true);
  });
});
