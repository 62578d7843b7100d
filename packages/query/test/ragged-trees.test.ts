import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, isStorageError, Partition, type Row, Storage } from "@parquetry/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery } from "../src/index.ts";

type Filters = Readonly<Record<string, readonly (string | null)[]>>;

const KEYS = ["a", "b", "c"];
const TEXTS = { a: "VARCHAR", b: "VARCHAR", c: "VARCHAR" };
const value = fc.constantFrom("1", "01", "é", "x y", "a=b", null);
const folder = fc
  .shuffledSubarray(KEYS)
  .chain((keys) => fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), value))));
const filters = fc.dictionary(fc.constantFrom(...KEYS), fc.array(value, { maxLength: 3 }));

let cacheDirectory: string;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-ragged-"));
});

afterAll(() => rm(cacheDirectory, { recursive: true, force: true }));

/** Makes a tree with one row, the number of its folder, in each folder. */
async function tree(folders: readonly Partition[]): Promise<Storage> {
  const storage = new Storage(createMemoryBackend());
  for (const [i, { entries }] of folders.entries()) {
    const path = entries.length === 0 ? "" : `${Partition.of(entries).path()}/`;
    await storage.writeParquet(`t/${path}${i}.parquet`, [{ i }]);
  }
  return storage;
}

async function byQuery(storage: Storage, wanted: Filters): Promise<unknown[]> {
  const conditions = Object.entries(wanted).map(([key, values]) => {
    const texts = values.filter((text) => text !== null).map((text) => `'${text}'`);
    const isNull = values.includes(null) ? `${key} IS NULL` : "false";
    return `(${texts.length > 0 ? `${key} IN (${texts.join(", ")}) OR ` : ""}${isNull})`;
  });
  await using db = await openQuery(storage, { cacheDirectory, isolate: false, hiveTypes: { t: TEXTS } });
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : "";
  return numbers((await db.sql(`SELECT i FROM t${where}`)).rows);
}

const numbers = (rows: readonly Row[]): unknown[] =>
  rows.map(({ i }) => i).sort((one, other) => Number(one) - Number(other));

describe("filters on a tree whose folders differ in their keys", () => {
  it("select the same rows by readIndex as by SQL", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(folder, {
          minLength: 1,
          maxLength: 8,
          selector: (entries) => JSON.stringify(entries),
        }),
        filters,
        async (folders, wanted) => {
          const partitions = folders.map((entries) => Partition.of(entries));
          const storage = await tree(partitions);
          const known = new Set(partitions.flatMap(({ keys }) => keys));
          const unknown = Object.keys(wanted).filter((key) => !known.has(key));
          const read = storage.readIndex("t", wanted);
          if (unknown.length > 0) {
            await expect(read).rejects.toSatisfy((error) => isStorageError(error, "invalid_argument"));
          } else {
            expect(numbers(await read)).toEqual(await byQuery(storage, wanted));
          }
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);

  it.each<[string, Filters, readonly number[]]>([
    ["at different depths", { date: ["2024-01-01"] }, [1]],
    ["at the top of one branch, below another", { date: ["2023-12-31", "2024-01-02"] }, [0, 2]],
    ["in one branch only", { year: ["2024"] }, [1, 2]],
    ["in one branch only, where it is NULL", { year: [null] }, [0, 3]],
    ["below a folder that the filter excludes", { year: ["2025"], month: ["1"] }, []],
    ["nowhere with that value", { date: ["1999-01-01"] }, []],
    ["by an empty list", { year: [] }, []],
  ])("find a key %s", async (_, wanted, expected) => {
    const places = ["date=2023-12-31", "year=2024/date=2024-01-01", "year=2024/date=2024-01-02", "month=1"];
    const storage = await tree(places.map((path) => Partition.parse(path)));
    expect(numbers(await storage.readIndex("t", wanted))).toEqual(expected);
  });
});
