import { describe, expect, it } from "vitest";
import { areSmall, betterKeys, isSkewed, partitionSizes } from "../page/partition-sizes.ts";
import type { TableData } from "../src/answers.ts";
import { PartitionStore } from "../src/data/partition-store.ts";

/** 2 years of 12 months of 4 days, with these bytes each. */
function days(bytesOf: (year: number, month: number, day: number) => number): TableData {
  const store = new PartitionStore(["files", "bytes", "newestMinute"]);
  for (const year of [2023, 2024])
    for (let month = 1; month <= 12; month++)
      for (let day = 1; day <= 4; day++)
        store.add(
          "bytes",
          store.indexOf([`year=${year}`, `month=${month}`, `day=${day}`]),
          bytesOf(year, month, day),
        );
  return store.table("t", ["year", "month", "day"], true);
}

describe("the sizes of partitions", () => {
  it("are summed by the first keys, and name the largest", () => {
    const data = days((year, month, day) => (year === 2024 && month === 3 ? 1000 : day));
    expect(partitionSizes(data, 3)).toMatchObject({ partitions: 96, median: 3, largest: 1000 });
    expect(partitionSizes(data, 2)).toEqual({
      keys: ["year", "month"],
      ...{ partitions: 24, median: 10, largest: 4000, largestName: "year=2024/month=3" },
    });
    expect(partitionSizes(data, 1)).toMatchObject({ partitions: 2, largest: 4110, largestName: "year=2024" });
  });

  it("that are small lead to the most keys with which they are not", () => {
    const data = days(() => 300_000);
    expect(areSmall(partitionSizes(data, 3))).toBe(true);
    expect(betterKeys(data)).toMatchObject({ keys: ["year", "month"], partitions: 24, median: 1_200_000 });
    expect(
      areSmall(
        partitionSizes(
          days(() => 2_000_000),
          3,
        ),
      ),
    ).toBe(false);
  });

  it("are skewed where one is more than ten times the median", () => {
    const one = days((year, month, day) =>
      year === 2023 && month === 2 && day === 1 ? 50_000_000 : 2_000_000,
    );
    expect(isSkewed(partitionSizes(one, 3))).toBe(true);
    expect(
      isSkewed(
        partitionSizes(
          days(() => 2_000_000),
          3,
        ),
      ),
    ).toBe(false);
    expect(betterKeys(one)).toMatchObject({ keys: ["year", "month"] });
  });
});
