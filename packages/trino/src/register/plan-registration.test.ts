import { describe, expect, it } from "vitest";
import { planRegistration } from "./plan-registration.ts";

const key = (name: string, type = "varchar") => ({ name, type, isKey: true });
const column = (name: string, type: string) => ({ name, type, isKey: false });
const table = {
  location: "s3://b/raw/plays",
  columns: [column("a", "bigint"), key("year", "bigint"), key("team")],
};
const stored = [
  { values: ["2024", "café"], path: "year=2024/team=café" },
  { values: ["2024", null], path: "year=2024/team=__HIVE_DEFAULT_PARTITION__" },
];

describe("planRegistration", () => {
  it("adds what is stored, removes what is not, and plans nothing the second time", () => {
    const known = {
      ...table,
      location: "s3://b/raw/plays/",
      partitions: [
        ["2023", "x"],
        ["2024", null],
      ],
    };
    const plan = planRegistration(table, known, stored);
    expect(plan).toEqual({ add: [stored[0]], remove: [["2023", "x"]], unchanged: 1, problems: [] });
    const after = { ...known, partitions: stored.map(({ values }) => values) };
    expect(planRegistration(table, after, stored)).toEqual({
      add: [],
      remove: [],
      unchanged: 2,
      problems: [],
    });
  });

  it.each([
    ["double", "1.5", "1.5E0"],
    ["boolean", "TRUE", "true"],
    ["decimal(9,2)", "1.5", "1.50"],
    ["timestamp(6)", "2024-01-01 00:00:00", "2024-01-01 00:00:00.000000"],
    ["date", "2024-01-01", "2024-01-01"],
  ])("compares values of %s keys as values", (type, text, shown) => {
    const own = { location: "s3://b/t", columns: [column("a", "bigint"), key("k", type)] };
    const plan = planRegistration(own, { ...own, partitions: [[shown]] }, [{ values: [text], path: "k" }]);
    expect(plan).toEqual({ add: [], remove: [], unchanged: 1, problems: [] });
  });

  it.each([
    [
      "at another location",
      { location: "s3://b/other" },
      /is at s3:\/\/b\/other, not at s3:\/\/b\/raw\/plays/,
    ],
    ["without a location", { location: undefined }, /no external location/],
    [
      "with other keys",
      { columns: [column("a", "bigint"), key("year", "varchar"), key("team")] },
      /keys year varchar/,
    ],
  ])("leaves a table %s as it is", (_, change, problem) => {
    const plan = planRegistration(table, { ...table, partitions: [["2023", "x"]], ...change }, stored);
    expect(plan).toMatchObject({ add: [], remove: [], problems: [expect.stringMatching(problem)] });
  });

  it("reports other columns, and keeps the partitions in step", () => {
    const columns = [column("a", "varchar"), column("z", "date"), ...table.columns.slice(1)];
    const own = { ...table, columns: [...table.columns, column("b", "double")] };
    const plan = planRegistration(own, { ...table, columns, partitions: [] }, stored);
    expect(plan.add).toEqual(stored);
    expect(plan.problems).toEqual([
      "the cluster's table has a as varchar, the files as bigint",
      "the cluster's table lacks the column b double",
      "the cluster's table has a column that the files lack: z date",
    ]);
  });

  it("reports two folders of the same values", () => {
    const twice = [...stored, { values: ["2024", "café"], path: "year=2024/team=caf%C3%A9" }];
    const { add, problems } = planRegistration(table, { ...table, partitions: [] }, twice);
    expect(add).toEqual(stored);
    expect(problems).toEqual([expect.stringMatching(/team=caf%C3%A9 have the same values/)]);
  });
});
