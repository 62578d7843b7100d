import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createMemoryBackend, Partition, partition, Storage } from "../src/index.ts";

let storage: Storage;

beforeEach(async () => {
  storage = new Storage(createMemoryBackend());
  for (const week of ["1", "-2", "0", "9007199254740993", null])
    await storage.write("plays", [{ play: 1 }], partition({ year: 2024, week }));
});

describe("keyTypes", () => {
  it("are strings by default", async () => {
    const rows = await storage.readIndex("plays", { week: 1 });
    expect(rows).toEqual([{ play: 1, year: "2024", week: "1" }]);
    expect(await storage.readIndex("plays", { week: 1 }, { keyTypes: { week: "string" } })).toEqual(rows);
  });

  it("make integers of whole numbers, with every digit, and leave NULL", async () => {
    const rows = await storage.readIndex("plays", {}, { keyTypes: { year: "integer", week: "integer" } });
    expect(new Set(rows.map(({ year }) => year))).toEqual(new Set([2024]));
    expect(new Set(rows.map(({ week }) => week))).toEqual(new Set([1, -2, 0, 9007199254740993n, null]));
  });

  it("hold before the rowSchema parses a row", async () => {
    const rowSchema = z.object({ year: z.int() });
    const rows = await storage.readIndex("plays", { week: 1 }, { keyTypes: { year: "integer" }, rowSchema });
    expect(rows).toEqual([{ year: 2024 }]);
    await expect(storage.readIndex("plays", { week: 1 }, { rowSchema })).rejects.toThrow("rowSchema");
  });

  it.each(["01", "1.0", "+1", "x", "", "-0"])(
    "refuse %j, which a number does not give back",
    async (week) => {
      await storage.write("padded", [{ play: 1 }], Partition.of([["week", week]]));
      const read = storage.readIndex("padded", {}, { keyTypes: { week: "integer" } });
      await expect(read).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining("week"),
      });
      expect(await storage.readIndex("padded")).toHaveLength(1);
    },
  );

  it("refuse a key that the entity does not have", async () => {
    const read = storage.readIndex("plays", {}, { keyTypes: { yaer: "integer" } });
    await expect(read).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("Its keys are year, week"),
    });
  });

  it("apply to scan, and to a key called constructor", async () => {
    await storage.write("odd", [{ play: 1 }], partition({ constructor: 5 }));
    const keyTypes = { constructor: "integer" } as const;
    for await (const rows of storage.scan("odd", {}, { keyTypes }))
      expect(rows).toEqual([{ play: 1, constructor: 5 }]);
    expect(await storage.readIndex("odd")).toEqual([{ play: 1, constructor: "5" }]);
  });
});
