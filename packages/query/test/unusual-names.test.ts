import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

/** Members of `Object.prototype`, names like array indexes, and a byte order mark. */
const NAMES = ["constructor", "toString", "valueOf", "hasOwnProperty", "1960", "\ufeffx", "a.b", 'q"q'];

let root: string;
let storage: Storage;
let db: QueryDatabase;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-names-"));
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  for (const [i, name] of [...NAMES, "__proto__"].entries()) {
    const select = `SELECT 5 AS b, y * 10 AS ${quoted(name)}, 3 AS a, y FROM range(1, 3) t(y)`;
    await connection.run(`COPY (${select}) TO '${root}/columns${i}' (FORMAT parquet, PARTITION_BY (y))`);
  }
  for (const [i, name] of NAMES.slice(0, 5).entries()) {
    for (const value of [1, 2]) {
      const folder = join(root, `keys${i}`, `${name}=${value}`);
      await mkdir(folder, { recursive: true });
      await connection.run(`COPY (SELECT ${value} AS v) TO '${folder}/a.parquet'`);
    }
  }
  connection.closeSync();
  instance.closeSync();
  storage = new Storage(await createLocalBackend({ root }));
  db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
});

afterAll(async () => {
  await db?.close();
  await rm(root, { recursive: true, force: true });
});

describe("SQL", () => {
  it.each([...NAMES, "__proto__"].map((name, i) => [name, i] as const))(
    "returns a column called %j",
    async (name, i) => {
      const column = quoted(name);
      const sql = `SELECT b, ${column}, a, y FROM columns${i} WHERE ${column} > 10`;
      const { rows, columns } = await db.sql(sql);
      expect(columns.map((each) => each.name)).toEqual(["b", name, "a", "y"]);
      expect(rows.map((row) => new Map(Object.entries(row)))).toEqual([
        new Map([
          ["b", 5],
          [name, 20],
          ["a", 3],
          ["y", 2],
        ]),
      ]);
      const all = await db.sql(`FROM columns${i}`);
      expect(all.columns.map((each) => each.name)).toEqual(["b", name, "a", "y"]);
      const { columns: described } = await db.describe(`columns${i}`);
      expect(described.map((each) => each.name)).toEqual(["b", name, "a"]);
      const { data } = await db.columns(sql);
      expect(new Map(Object.entries(data)).get(name)).toEqual([20]);
    },
  );

  it.each(NAMES.slice(0, 5).map((name, i) => [name, i] as const))(
    "prunes by a partition key called %j, of the type of its values",
    async (name, i) => {
      const { rows, columns, stats } = await db.sql(`FROM keys${i} WHERE ${quoted(name)} = 2`);
      expect(columns.at(-1)).toEqual({ name, type: "BIGINT" });
      expect(rows.map((row) => new Map(Object.entries(row)))).toEqual([
        new Map([
          ["v", 2],
          [name, 2],
        ]),
      ]);
      expect(stats.tables[0]?.files).toBe(1);
      expect(await storage.readIndex(`keys${i}`, { [name]: 2 })).toHaveLength(1);
    },
  );

  it("keeps U+FEFF at the start of values, of fields and of parameters", async () => {
    const { rows } = await db.sql(
      "SELECT chr(65279) || 'v' AS a, [chr(65279)] AS b, {'\ufefff': '\ufeffv'} AS c, $p AS d, length($p) AS e",
      { p: "\ufeffp" },
    );
    expect(rows).toEqual([{ a: "\ufeffv", b: ["\ufeff"], c: { "\ufefff": "\ufeffv" }, d: "\ufeffp", e: 2 }]);
  });

  it.each(["constructor", "toString", "1960", "a.b"])(
    "returns a field of a struct called %s",
    async (field) => {
      const { rows } = await db.sql(`SELECT {'${field}': 1} AS s`);
      expect(Object.entries(rows[0]?.["s"] ?? {})).toEqual([[field, 1]]);
    },
  );

  it("refuses a struct with a field that JavaScript would lose", async () => {
    await expect(db.sql("SELECT {'__proto__': 1, 'a': 2} AS s")).rejects.toMatchObject({
      code: "not_supported",
    });
    await expect(db.sql("SELECT [{'a': {'__proto__': 1}}] AS s")).rejects.toMatchObject({
      code: "not_supported",
    });
    expect((await db.sql(`SELECT s."__proto__" AS p FROM (SELECT {'__proto__': 1} AS s)`)).rows).toEqual([
      { p: 1 },
    ]);
  });
});
