import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { type ReadCsvOptions, type Row, Storage } from "@parquetry/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type OpenQueryOptions, openQuery } from "../src/index.ts";

let root: string;
let storage: Storage;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-test-csv-"));
  storage = new Storage(await createLocalBackend({ root }));
});

afterEach(async () => {
  await storage.close();
  await rm(root, { recursive: true, force: true });
});

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

async function sql(text: string, options: OpenQueryOptions = {}): Promise<readonly Row[]> {
  await using db = await openQuery(storage, { cacheDirectory: join(root, ".cache"), ...options });
  return (await db.sql(text)).rows;
}

describe("CSV files in SQL", () => {
  it.each<readonly [string, string | Uint8Array, ReadCsvOptions]>([
    ["mixed line ends", 'a,b\n1,"x\r\ny"\r\n2,z\r', {}],
    ["Windows-1252", Buffer.from("a,b\n\x93x\x94,\x80\n", "latin1"), { encoding: "windows-1252" }],
    ["Spark's escapes", 'a,b\n"say \\"hi\\", he said",1\n', {}],
    ["escaped delimiters", "a,b\nx\\,y,1\n", { escape: "\\" }],
    ["no name for the row labels", ",a,b\n0,1,x\n", {}],
    ["long decimals", "a,b\n12345678901234567.89,1\n100000000000000000.10,2\n", {}],
    ["empty strings and nulls", 'a,b\n"",""\n,\nx,1\n', {}],
    ["numbers that are not finite", "a,b\nNaN,1\n-inf,2\n0.5,3\n", {}],
    ["numbers beyond 2^53 with an exponent", "a,b\n1e16,1\n1e300,2\n", {}],
    ["all null", "a,b\n,\n,\n", {}],
    ["one column with empty lines", "a\n\n1\n\n", {}],
    ["only some columns", "a,b,c\n1,2,3\n", { columns: ["c", "a"] }],
    ["strings only", "a,b\n1,02\n", { inferTypes: false }],
  ])("are read as readIndex does: %s", async (_, content, csv) => {
    await put("t/y=x/a.csv", content);
    const rows = await storage.readIndex("t", {}, { csv });
    expect(rows.length).toBeGreaterThan(0);
    expect(await sql("FROM t", { csv })).toEqual(rows);
  });

  it("keep their columns if they have only a header", async () => {
    await put("t/y=1/a.csv", "a,b\r\n");
    expect(await sql("SELECT a, b, y FROM t")).toEqual([]);
    expect(await storage.readIndex("t", {}, { columns: ["b"] })).toEqual([]);
    await expect(storage.readIndex("t", {}, { columns: ["c"] })).rejects.toThrow('has a column "c"');
    expect((await storage.inspect("t")).schemas).toEqual([
      {
        fields: [
          { name: "a", type: "null" },
          { name: "b", type: "null" },
        ],
        partitions: 1,
        example: "y=1",
      },
    ]);
    await put("t/y=2/a.csv", "a,b\n1,x\n");
    expect(await sql("FROM t")).toEqual([{ a: 1, b: "x", y: 2 }]);
    expect((await storage.inspect("t")).drift).toEqual([]);
    await put("t/y=3/a.csv", "b,a\n");
    expect(await sql("SELECT sum(a) AS a, max(b) AS b FROM t")).toEqual([{ a: 1, b: "x" }]);
    await put("t/y=4/a.csv", "");
    expect(await sql("SELECT count(*) AS c, max(b) AS b FROM t")).toEqual([{ c: 1, b: "x" }]);
  });

  it("read a quoted empty value as NULL in a column of a declared type, and as a string in one of VARCHAR", async () => {
    await put("t/y=1/a.csv", 'day,n,code\n"2024-01-02","12345678901234567.89",""\n"","",x\n');
    const columnTypes = { t: { day: "DATE", n: "DECIMAL(20,2)", code: "VARCHAR" } };
    expect(
      await sql("SELECT CAST(day AS VARCHAR) AS day, CAST(n AS VARCHAR) AS n, code FROM t", { columnTypes }),
    ).toEqual([
      { day: "2024-01-02", n: "12345678901234567.89", code: "" },
      { day: null, n: null, code: "x" },
    ]);
  });

  it("never speak of a write when they cannot be read", async () => {
    for (const content of [
      "a,b\n1\n",
      'a,b\n"x\n',
      "a,,b\n1,2,3\n",
      "a,A\n1,2\n",
      Buffer.from("a\n\x93\n", "latin1"),
      Buffer.from("\ufeffa\n", "utf16le"),
    ]) {
      await put("t/y=1/a.csv", content);
      for (const read of [
        () => storage.readCsv("t/y=1/a.csv"),
        () => storage.readIndex("t"),
        () => storage.inspect("t").then(({ unreadable: [error] }) => Promise.reject(error)),
        () => sql("FROM t"),
      ])
        await expect(read()).rejects.toMatchObject({
          code: "corrupt",
          message: expect.stringMatching(/^(?!.*writ).*not a readable CSV file/i),
        });
    }
  });
});
