import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Row } from "../bytes/row.ts";
import type { ByteSource } from "./byte-source.ts";
import { inferColumns } from "./infer-columns.ts";
import { openParquet } from "./open-parquet.ts";
import { encodeParquet } from "./write-parquet.ts";

function inMemory(bytes: Uint8Array): ByteSource {
  return {
    name: "test.parquet",
    byteLength: bytes.byteLength,
    slice: async (start, end) => new Uint8Array(bytes).slice(start, end).buffer,
  };
}

async function readBack(bytes: Uint8Array, columns?: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  const file = await openParquet(inMemory(bytes));
  for await (const batch of file.scan(columns)) rows.push(...batch);
  return rows;
}

const write = async (rows: readonly Row[]): Promise<Uint8Array> =>
  encodeParquet(rows, await inferColumns(rows));

describe("Parquet", () => {
  const scalars = {
    integer: fc.option(fc.maxSafeInteger()),
    // An integer beyond 2^53 is refused, since it has most likely lost digits.
    double: fc.option(
      fc
        .double({ noNaN: true })
        .filter((x) => !Number.isInteger(x) || Math.abs(x) < 2 ** 53 || Math.abs(x) >= 2 ** 63),
    ),
    text: fc.option(fc.string({ unit: "binary" })),
    flag: fc.option(fc.boolean()),
    time: fc.option(fc.date({ noInvalidDate: true, min: new Date(-1e13), max: new Date(1e14) })),
    big: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    bytes: fc.option(fc.uint8Array({ maxLength: 20 })),
    list: fc.option(fc.array(fc.option(fc.string({ unit: "binary" })), { maxLength: 4 })),
    struct: fc.option(
      fc.record({ a: fc.option(fc.maxSafeInteger()), b: fc.option(fc.string({ unit: "binary" })) }),
    ),
  };

  it("returns every written row", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record(scalars), { minLength: 1, maxLength: 30 }), async (rows) => {
        const expected = rows.map((row) => {
          const big = row.big !== null && Number.isSafeInteger(Number(row.big)) ? Number(row.big) : row.big;
          return { ...row, big };
        });
        const back = await readBack(await write(rows));
        expect(back).toEqual(expected);
        // toEqual does not tell -0 from 0.
        back.forEach((row, i) => {
          expect(Object.is(row["double"], rows[i]?.double)).toBe(true);
        });
      }),
      { numRuns: 150 },
    );
  });

  it("encodes the same rows as the same bytes, whatever is encoded before and meanwhile", async () => {
    // Runs of few letters, of which Snappy finds another repetition if it remembers places in an earlier page.
    const runs = fc
      .array(fc.tuple(fc.constantFrom("a", "b", "c", "d", "e", "f"), fc.integer({ min: 1, max: 40 })), {
        minLength: 50,
        maxLength: 100,
      })
      .map((parts) => parts.map(([letter, count]) => letter.repeat(count)).join(""));
    const tables = fc.sample(runs, { numRuns: 300, seed: 1 }).map((text) => [{ text }]);
    const first: Uint8Array[] = [];
    for (const table of tables) first.push(await write(table));
    const again = await Promise.all(tables.toReversed().map(write));
    expect(again.toReversed()).toEqual(first);
  });

  it("keeps the order of rows over many row groups, and reads only the requested columns, in that order", async () => {
    const rows = Array.from({ length: 50_001 }, (_, i) => ({ i, text: `t${i % 7}`, half: i / 2 }));
    const back = await readBack(await write(rows), ["half", "none", "i"]);
    expect(back).toHaveLength(50_001);
    expect(back[49_999]).toEqual({ half: 24_999.5, none: null, i: 49_999 });
    expect(Object.keys(back[0] ?? {})).toEqual(["half", "none", "i"]);
  });

  it("infers a column's type from every row, not only from the first ones", async () => {
    const rows: Row[] = Array.from({ length: 2000 }, () => ({ a: 1, b: null }));
    rows.push({ a: 0.5, b: "late", c: true });
    expect(await inferColumns(rows)).toEqual([
      { name: "a", type: "double" },
      { name: "b", type: "string" },
      { name: "c", type: "boolean" },
    ]);
  });

  it.each([
    [[{ a: 1 }, { a: "x" }], 'row 1, column "a" is string but int64 in earlier rows'],
    [[{ a: 2 ** 53 }], 'row 0, column "a" is 9007199254740992, an integer beyond 2^53'],
    [[{ a: 2n ** 60n + 1n }, { a: 0.5 }], "is 1152921504606846977n, which is not a valid double"],
    [[{ a: 2n ** 63n }], "is 9223372036854775808n, which is not a valid int64"],
    [[{ a: new Date(Number.NaN) }], "is an invalid Date"],
    [[{ a: () => 1 }], "is a function"],
    [[{ a: new Map() }], "is a Map"],
    [[{ "": 1 }], "cannot be a column name"],
    [[{ a: 1, A: 2 }], "are the same name"],
    [[[1]], "row 0 is an array"],
    [[null], "row 0 is null"],
  ])("refuses %o, naming row and column", async (rows, reason) => {
    // Plain JavaScript can pass anything.
    await expect(write(rows as Row[])).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(reason),
    });
  });

  it("refuses a cycle", async () => {
    const cyclic: Row = {};
    cyclic["self"] = cyclic;
    await expect(write([cyclic])).rejects.toThrow("is it a cycle?");
  });
});

describe("broken Parquet", async () => {
  const good = await write(
    Array.from({ length: 300 }, (_, i) => ({ i, text: `row ${i % 9}`, list: [i, i + 1] })),
  );

  it("is reported as corrupt wherever the file is cut", async () => {
    for (let length = 0; length < good.byteLength; length += 13) {
      await expect(readBack(good.subarray(0, length))).rejects.toMatchObject({ code: "corrupt" });
    }
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["text", new TextEncoder().encode("this is a text and no Parquet file")],
    ["a footer longer than the file", Buffer.from("PAR1\xff\xff\xff\x7fPAR1", "latin1")],
  ])("reports %s", async (_, bytes) => {
    await expect(readBack(bytes)).rejects.toMatchObject({ code: "corrupt", op: "readParquet" });
  });
});

describe("DuckDB", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parquetry-duckdb-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("reads files of Parquetry with the intended types", async () => {
    const file = join(folder, "a.parquet");
    const rows: Row[] = Array.from({ length: 3000 }, (_, i) => ({
      i,
      half: i / 2,
      text: i % 3 === 0 ? null : `Hawai'i ${i}`,
      flag: i % 2 === 0,
      time: new Date(Date.UTC(2024, 0, 1, 0, 0, i)),
      big: BigInt(i) + 2n ** 60n,
      list: [i, null],
      struct: { a: i, b: "x" },
      nothing: null,
    }));
    await writeFile(file, await write(rows));
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run("SET TimeZone = 'America/Chicago'");
    const types = await connection.runAndReadAll(`DESCRIBE SELECT * FROM '${file}'`);
    expect(Object.fromEntries(types.getRows().map(([name, type]) => [name, type]))).toEqual({
      i: "BIGINT",
      half: "DOUBLE",
      text: "VARCHAR",
      flag: "BOOLEAN",
      time: "TIMESTAMP WITH TIME ZONE",
      big: "BIGINT",
      list: "BIGINT[]",
      struct: "STRUCT(a BIGINT, b VARCHAR)",
      nothing: "INTEGER",
    });
    const sums = await connection.runAndReadAll(
      `SELECT count(*), sum(i), sum(half), count(text), sum(flag::INT), max(epoch(time)), max(big), sum(list[1]), sum(struct.a)
       FROM '${file}'`,
    );
    expect(sums.getRowsJson()[0]?.map(Number)).toEqual([
      3000,
      4498500,
      2249250,
      2000,
      1500,
      Date.UTC(2024, 0, 1, 0, 0, 2999) / 1000,
      Number(2n ** 60n + 2999n),
      4498500,
      4498500,
    ]);
    connection.closeSync();
  });

  it("writes files that Parquetry reads, in every codec and with DuckDB's own types", async () => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    for (const codec of ["snappy", "zstd", "gzip", "uncompressed"]) {
      const file = join(folder, `${codec}.parquet`);
      await connection.run(`COPY (SELECT range AS i, range::DOUBLE / 4 AS q, 'n' || range AS t, range % 2 = 0 AS f,
        TIMESTAMP '2001-01-01 00:00:00' + INTERVAL (range) MINUTE AS ts, [range, NULL] AS l FROM range(20000))
        TO '${file}' (FORMAT parquet, CODEC '${codec}', ROW_GROUP_SIZE 7000)`);
      const rows = await readBack(await readFile(file));
      expect(rows).toHaveLength(20_000);
      expect(rows[12_345]).toEqual({
        i: 12_345,
        q: 3086.25,
        t: "n12345",
        f: false,
        ts: new Date(Date.UTC(2001, 0, 1, 0, 12_345)),
        l: [12_345, null],
      });
    }
    connection.closeSync();
  });
});
