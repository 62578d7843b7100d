import { describe, expect, it } from "vitest";
import { type ColumnTable, createMemoryBackend, partition, Storage } from "../src/index.ts";

const storage = new Storage(createMemoryBackend());

describe("columns", () => {
  it("are written as the rows that they hold, by writeParquet and write", async () => {
    const table = {
      columns: {
        year: ["2024", 2024, null],
        id: new Float64Array([1, Number.NaN, -0]),
        small: new Int8Array([-1, 0, 127]),
        bytes: new Uint8Array([0, 1, 255]),
        big: new BigInt64Array([-(2n ** 63n), 0n, 5n]),
        unsigned: new BigUint64Array([0n, 1n, 2n]),
        single: new Float32Array([0.5, 1.5, 2]),
        text: ["a", undefined, "c"],
        list: [[1], [], null],
        constructor: [true, false, null],
        none: [null, null, undefined],
      },
    };
    const rows = [0, 1, 2].map((i) =>
      Object.fromEntries(
        Object.entries(table.columns).map(([name, values]) => {
          const value = values[i] ?? null;
          return [name, typeof value === "bigint" && value >= -(2n ** 53n) ? Number(value) : value];
        }),
      ),
    );
    const { year: _, ...columns } = table.columns;
    await storage.writeParquet("a.parquet", { columns });
    const read = await storage.readParquet("a.parquet");
    expect(read).toEqual(rows.map(({ year: __, ...row }) => row));
    expect(await storage.write("raw/a", table, partition({ year: 2024 }))).toBe(3);
    expect(await storage.readIndex("raw/a")).toEqual(rows.map((row) => ({ ...row, year: "2024" })));
    expect(table.columns.text).toEqual(["a", undefined, "c"]);
  });

  it("are fitted to the entity's other partitions, and to a schema", async () => {
    await storage.write("raw/b", [{ score: 0.5 }], partition({ n: 1 }));
    await storage.write("raw/b", { columns: { score: new Int32Array([1, 2]) } }, partition({ n: 2 }));
    expect((await storage.inspect("raw/b")).schemas).toHaveLength(1);
    const schema = [{ name: "at", type: "timestamp" }] as const;
    await storage.writeParquet("b.parquet", { columns: { at: [new Date(0), null] } }, { schema });
    expect(await storage.readParquet("b.parquet")).toEqual([{ at: new Date(0) }, { at: null }]);
  });

  it("and rows keep the memory of the caller, also that of buffers, and typed arrays of any type that fits", async () => {
    const long = Buffer.from("0123456789abcdefXYZ");
    const rows = [{ bytes: long, short: Buffer.from("ab"), inside: { list: [Buffer.from(long)] } }];
    const before = structuredClone(rows);
    await storage.writeParquet("d.parquet", rows);
    expect(structuredClone(rows)).toEqual(before);
    expect(await storage.readParquet("d.parquet")).toEqual(before);
    const columns = {
      buffer: Buffer.from([1, 2]),
      whole: new Int32Array([1, 2]),
      real: new Float64Array([1, 2]),
      big: new BigInt64Array([1n, 2n]),
    };
    const double = Object.keys(columns).map((name) => ({ name, type: "double" as const }));
    const json = double
      .filter(({ name }) => name !== "big")
      .map(({ name }) => ({ name, type: "json" as const }));
    for (const schema of [double, json]) {
      const own = Object.fromEntries(
        Object.entries(columns).filter(([name]) => schema.some((s) => s.name === name)),
      );
      await storage.writeParquet("d.parquet", { columns: own }, { schema });
      const read = await storage.readParquet("d.parquet");
      expect(read).toEqual([1, 2].map((n) => Object.fromEntries(schema.map(({ name }) => [name, n]))));
    }
    expect(columns.big).toEqual(new BigInt64Array([1n, 2n]));
  });

  it.each([new Map([["x", 1]]), new Set([1]), new Uint8Array(), new Date(0), []])(
    "refuse %o as a struct, whose fields would be null",
    async (value) => {
      const schema = [{ name: "a", type: { struct: [{ name: "x", type: "int64" }] } }] as const;
      await expect(storage.writeParquet("e.parquet", [{ a: value }], { schema })).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining('row 0, column "a"'),
      });
    },
  );

  it.each([
    [{ columns: { a: [1, 2], b: [1] } }, 'the column "b" has 1 values, but "a" has 2'],
    [{ columns: { a: "text" } }, 'the column "a" must be an array or a typed array'],
    [{ columns: [[1]] }, "columns must be an object of arrays by their names"],
    [{ columns: { a: [1] }, rows: [] }, 'a table of columns has only { columns }, got also "rows"'],
    [{ columns: { a: new DataView(new ArrayBuffer(1)) } }, 'the column "a" must be an array'],
    [{ columns: { a: [1], A: [2] } }, "are the same name"],
    [{ columns: { a: [1, "x"] } }, 'row 1, column "a" is string but int64 in earlier rows'],
    [
      { columns: { a: new BigUint64Array([2n ** 63n]) } },
      "is 9223372036854775808n, which is not a valid int64",
    ],
    [{ columns: {} }, "would have no column"],
    [{ columns: { n: ["1", "2"] } }, "row 1 has n"],
  ])("%o are refused", async (table, reason) => {
    const write =
      "n" in table.columns || Object.keys(table.columns).length === 0
        ? storage.write("raw/c", table as ColumnTable, partition({ n: 1 }))
        : storage.writeParquet("c.parquet", table as ColumnTable);
    if (Object.keys(table.columns).length === 0) {
      await write;
      await expect(storage.writeParquet("c.parquet", table as ColumnTable)).rejects.toThrow(reason);
    } else
      await expect(write).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining(reason),
      });
  });
});
