import { type ColumnSchema, parseKey, partition, type Row, Storage } from "@parquetry/core";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { beforeEach, describe, expect, it } from "vitest";
import { BACKENDS } from "./support/backends.ts";

const ENTITY = "raw/plays";
const week = (number: number): ReturnType<typeof partition> => partition({ year: 2024, week: number });

describe.each(Object.entries(BACKENDS))("columns of an entity on %s", (_, open) => {
  let storage: Storage;
  const write = (number: number, rows: readonly Row[], options = {}): Promise<number> =>
    storage.write(ENTITY, rows, week(number), options);
  /** The columns of each partition's file, as a new reader finds them. */
  const schemas = async (): Promise<string[]> => {
    const { schemas: found } = await storage.inspect(ENTITY);
    return found.map(({ fields }) => fields.map(({ name, type }) => `${name} ${type}`).join(", "));
  };

  beforeEach(async () => {
    storage = new Storage(await open());
  });

  it("are the same in every partition, whatever its rows hold", async () => {
    await write(1, [{ team: "Rice", epa: 0.5, note: "x", sides: [1, 2], extra: { a: 1, b: "c" } }]);
    await write(2, [{ epa: 3, team: null, sides: null }]);
    await write(3, [{ extra: { b: null }, sides: [], epa: null }]);
    await write(4, []);
    expect(await schemas()).toEqual([
      "team string, epa double, note string, sides list<int64>, extra struct<a: int64, b: string>",
    ]);
    const [second] = await storage.readIndex(ENTITY, { week: 2 });
    expect(second).toMatchObject({ team: null, epa: 3, note: null, sides: null, extra: null });
  });

  it("are kept by a later process, which appends new ones at the end", async () => {
    await write(1, [{ team: "Rice", yards: 5 }]);
    storage = new Storage(storage.backend);
    await write(2, [{ down: 1, yards: null }]);
    await write(3, [{ yards: 7 }]);
    expect(await schemas()).toEqual(["team string, yards int64, down int64", "team string, yards int64"]);
  });

  it("without a value are left out of the file, and are null to every reader until a partition gives them a type", async () => {
    await write(1, [{ id: 1, note: null, yards: 5, odds: null }]);
    await write(1, [{ id: 2, yards: 6, more: 1 }], { overwrite: false });
    storage = new Storage(storage.backend);
    await write(2, [{ id: 3, yards: 7 }]);
    await write(3, [{ id: 4, note: "x" }]);
    await write(4, [{ id: null, note: null }]);
    expect(await schemas()).toEqual([
      "id int64, note string, yards int64, odds null",
      "id int64, note null, yards int64, odds null, more int64",
      "id int64, note null, yards int64, odds null",
    ]);
    const stored = async (path: string): Promise<string[][]> => {
      const names = (await storage.listFiles(path)).filter((name) => name.endsWith(".parquet"));
      const files = await Promise.all(names.map((name) => storage.readParquet(name)));
      return files.map(([row]) => Object.keys(row ?? {})).sort((a, b) => a.length - b.length);
    };
    expect(await stored(`${ENTITY}/year=2024/week=1`)).toEqual([
      ["id", "yards"],
      ["id", "yards", "more"],
    ]);
    expect(await stored(`${ENTITY}/year=2024/week=3`)).toEqual([["id", "note", "yards"]]);
    const rows = await storage.readIndex(ENTITY);
    const ids = { id: 1, note: null, yards: 5, odds: null, more: null, year: "2024", week: "1" };
    expect(rows.find(({ id }) => id === 1)).toEqual(ids);
    expect(Object.keys(rows.find(({ id }) => id === 1) ?? {})).toEqual(Object.keys(ids));
    expect(rows.find(({ id }) => id === 3)).toMatchObject({ note: null, odds: null });
    expect(rows.find(({ id }) => id === 4)).toMatchObject({ note: "x", odds: null });
    expect(await storage.readIndex(ENTITY, { week: 2 }, { columns: ["odds"] })).toEqual([
      { odds: null, year: "2024", week: "2" },
    ]);
  });

  it("keep one in the file, with its type if it has one, where no row has any value", async () => {
    await write(1, [
      { a: null, b: null },
      { a: null, b: null },
    ]);
    await write(2, [{ a: null, b: 1 }]);
    storage = new Storage(storage.backend);
    await write(3, [{ a: null, b: null }], {
      schema: [
        { name: "a", type: "null" },
        { name: "b", type: "int64" },
      ],
    });
    expect(await storage.readIndex(ENTITY, {}, { columns: ["a", "b"] })).toEqual([
      { a: null, b: null, year: "2024", week: "1" },
      { a: null, b: null, year: "2024", week: "1" },
      { a: null, b: 1, year: "2024", week: "2" },
      { a: null, b: null, year: "2024", week: "3" },
    ]);
  });

  it("refuse values that readers of one file's types would change: fractions among whole numbers, strings among numbers", async () => {
    await write(1, [{ yards: 1 }, { yards: 2 }]);
    for (const fresh of [false, true]) {
      if (fresh) storage = new Storage(storage.backend);
      await expect(write(2, [{ yards: 1.5 }])).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining(
          'column "yards" is double here and int64 in raw/plays/year=2024/week=1;',
        ),
      });
      await expect(write(2, [{ yards: "1" }])).rejects.toThrow("allowOtherTypes: true");
    }
    expect(await storage.readIndex(ENTITY)).toHaveLength(2);
    await write(2, [{ yards: 1.5 }], { allowOtherTypes: true });
    await write(3, [{ yards: 4 }]);
    expect((await schemas()).sort()).toEqual(["yards double", "yards int64"]);
  });

  it("are pinned by a schema, which is not fitted to other partitions", async () => {
    const schema: readonly ColumnSchema[] = [{ name: "yards", type: "double" }];
    await write(1, [{ yards: 1 }], { schema });
    await write(2, [{ yards: 2 }]);
    await write(3, [{ yards: 2.5 }]);
    await write(1, [{ yards: "none" }], { schema: [{ name: "yards", type: "string" }] });
    expect((await schemas()).sort()).toEqual(["yards double", "yards string"]);
  });

  it("may change when the only partition is replaced", async () => {
    await write(1, [{ yards: 1 }]);
    await write(1, [{ yards: "one" }]);
    await write(1, [{ yards: 1.5 }]);
    await expect(write(1, [{ yards: "one" }], { overwrite: false })).rejects.toThrow(
      "double in raw/plays/year=2024/week=1",
    );
    expect(await schemas()).toEqual(["yards double"]);
  });

  it("agree among concurrently written partitions, and ignore failed writes", async () => {
    const items = Array.from({ length: 12 }, (_, i) => ({
      partition: week(i),
      rows: [i % 3 === 0 ? { yards: 0.5 } : { yards: i, team: "Rice" }],
    }));
    await storage.replacePartitions(ENTITY, items, { concurrency: 4 });
    expect((await schemas()).every((schema) => schema.includes("yards double"))).toBe(true);
    const mixed = [
      { partition: partition({ id: 1 }), rows: [{ a: 1 }] },
      { partition: partition({ id: 2 }), rows: [{ a: "x" }] },
    ];
    await expect(storage.replacePartitions("raw/mixed", mixed)).rejects.toMatchObject({
      code: "invalid_argument",
      failed: [{ error: { message: expect.stringContaining('column "a"') } }],
    });
  });

  it("of another system's files are adopted if Parquetry writes their types, and ignored if not", async () => {
    const foreign = await encodeParquet(
      [{ week: 1, id: 7, at: new Date(0) }],
      [
        { name: "week", type: "int64" },
        { name: "id", type: "double" },
        { name: "at", type: "timestamp" },
      ],
    );
    await storage.backend.put(parseKey(`${ENTITY}/year=2024/week=1/data.parquet`), foreign);
    await storage.backend.put(parseKey(`${ENTITY}/year=2024/week=0/._data.parquet`), foreign);
    await write(2, [{ at: null, id: 8 }]);
    expect(await schemas()).toContain("id double, at timestamp");
  });
});
