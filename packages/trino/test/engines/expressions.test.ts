import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, Storage } from "@parquetry/core";
import { openQuery, type QueryDatabase } from "@parquetry/query";
import { afterAll, beforeAll, expect, it } from "vitest";
import { trino } from "../../src/index.ts";
import { describeTrino, newSchema, TEST_TRINO } from "../support/test-trino.ts";

/** The SQL of rows whose first cell is not SQL only, by what it begins with. */
const WORDED: Readonly<Record<string, readonly string[]>> = {
  "`extract(dow": ["extract(dow FROM DATE '2024-01-07')"],
  "DATE ±": [
    "DATE '2024-01-07' + INTERVAL '1' DAY",
    "DATE '2024-01-07' - INTERVAL '1' DAY",
    "date_trunc('month', DATE '2024-01-07')",
  ],
  "DATE - DATE": ["DATE '2024-01-07' - DATE '2024-01-01'"],
  "`avg` of": ["(SELECT avg(v) FROM (VALUES (1.25), (2.5)) t(v))"],
  "`sum` of": ["(SELECT sum(CAST(v AS REAL)) FROM (VALUES (0.1), (0.2)) t(v))"],
  "`max_by`": [
    "(SELECT max_by(v, n) FROM (VALUES ('the next value', 1), (NULL, 2)) t(v, n))",
    "(SELECT min_by(v, n) FROM (VALUES (NULL, 1), ('the next value', 2)) t(v, n))",
  ],
};

const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
const [, table = ""] =
  /\| expression \| Trino \| DuckDB \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)/.exec(readme) ?? [];
const ROWS = table
  .trim()
  .split("\n")
  .map((line) => line.slice(2, -2).split(" | "))
  .map(([expression = "", there = "", here = ""]) => ({ expression, there, here }));

let folder: string;
let there: QueryDatabase;
let here: QueryDatabase;

describeTrino("the table of expressions with other values in the README", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parquetry-expressions-"));
    const storage = new Storage(createMemoryBackend());
    const { schema } = await newSchema();
    const { url, catalog } = TEST_TRINO;
    there = await openQuery(storage, { engine: trino({ url, catalog, schema }) });
    here = await openQuery(storage, { cacheDirectory: folder });
  });

  afterAll(async () => {
    await there.close();
    await here.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("has 16 rows or more", () => {
    expect(ROWS.length).toBeGreaterThanOrEqual(16);
  });

  it.each(ROWS)("is what both engines return: $expression", async (row) => {
    const [, worded] = Object.entries(WORDED).find(([start]) => row.expression.startsWith(start)) ?? [];
    const all = worded ?? [...row.expression.matchAll(/`([^`]+)`/g)].map(([, sql = ""]) => sql);
    expect(all.length).toBeGreaterThan(0);
    for (const sql of all) {
      await expectCell(there, sql, row.there);
      await expectCell(here, sql, row.here);
    }
  });
});

/** A cell is a value, perhaps with an explanation after a colon, or the type of the value. */
async function expectCell(db: QueryDatabase, sql: string, cell: string): Promise<void> {
  const { rows, columns } = await db.sql(`SELECT ${sql} AS x`);
  const value = rows[0]?.["x"];
  const shown = value === null ? "NULL" : value === "" ? "''" : String(value);
  const type = columns[0]?.type.toUpperCase() ?? "";
  if (/^(?:DATE|TIMESTAMP|INTERVAL)$/.test(cell)) expect(type.replace(/[ (].*/, ""), sql).toBe(cell);
  else if (cell === "number") expect(type, sql).toMatch(/INT/);
  else expect(shown, sql).toBe(cell.replaceAll("`", "").replace(/:.*/, ""));
}
