import { partition, Storage } from "@parquetry/core";
import { openQuery, type QueryDatabase } from "@parquetry/query";
import { afterAll, beforeAll, expect, it } from "vitest";
import { registerTable, type TrinoClient, trino } from "../../src/index.ts";
import { describeTrino, newS3Backend, newSchema, TEST_TRINO } from "../support/test-trino.ts";

let storage: Storage;
let db: QueryDatabase;
let client: TrinoClient;

const write = (year: number, week: number): Promise<unknown> =>
  storage.write("raw/plays", [{ yards: 1, tags: ["a"], s: { x: 1n } }], partition({ year, week }));

describeTrino("a committed partition that Trino does not know", () => {
  beforeAll(async () => {
    storage = new Storage(newS3Backend());
    for (const year of [2023, 2024]) for (const week of [1, 2]) await write(year, week);
    await write(2023, 3);
    client = await newSchema();
    await using here = await openQuery(storage);
    await registerTable(client, storage.backend, await here.describe("plays"));
    const { url, catalog } = TEST_TRINO;
    db = await openQuery(storage, { engine: trino({ url, catalog, schema: client.schema }) });
    await write(2024, 3);
    await write(2025, 1);
  });

  afterAll(async () => {
    await db.close();
    await storage.close();
  });

  it.each([
    // Trino plans to read nothing for the first, and only 2023 for the next ones.
    "SELECT * FROM plays WHERE year = 2024 AND week = 3",
    "SELECT * FROM plays WHERE week = 3",
    "SELECT count(*) AS n FROM plays WHERE (year = 2023 AND week = 1) OR (year = 2024 AND week = 3)",
    "SELECT * FROM plays WHERE year = 2025 AND s.x = 1 AND cardinality(tags) = 1",
    "WITH plays AS (SELECT * FROM plays WHERE year > 2024) SELECT count(*) AS n FROM plays",
    "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM plays p WHERE p.year = 2025)",
    "SELECT count(*) AS n FROM plays",
  ])("fails a query that can need it: %s", async (sql) => {
    await expect(db.sql(sql)).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringMatching(/raw\/plays\/year=202[45]\/week=[13].*parquetry register raw\/plays/),
    });
  });

  it.each([
    ["SELECT count(*) AS n FROM plays WHERE year = 2024 AND week < 3", 2],
    ["SELECT count(*) AS n FROM plays WHERE year < 2024", 3],
    ["SELECT count(*) AS n FROM plays WHERE year = 1869", 0],
    ["SELECT count(*) AS n FROM plays WHERE false", 0],
    [
      "SELECT count(*) AS n FROM plays a JOIN plays b ON a.year = b.year AND a.week = b.week WHERE b.year = 2023",
      3,
    ],
  ])("does not hinder a query that cannot need it: %s", async (sql, n) => {
    expect((await db.sql(sql)).rows).toEqual([{ n }]);
  });

  it("is read once it is registered", async () => {
    await using here = await openQuery(storage);
    await registerTable(client, storage.backend, await here.describe("plays"));
    const { rows, stats } = await db.sql(
      "SELECT count(*) AS n FROM plays WHERE week = 3 AND year * 2 = 4048",
    );
    expect(rows).toEqual([{ n: 1 }]);
    expect(stats.tables).toMatchObject([{ partitions: 1, files: 1 }]);
  });

  it("is read where columns were added to the table in the meantime", async () => {
    await client.rows("ALTER TABLE plays ADD COLUMN later bigint");
    const { rows } = await db.sql("SELECT count(*) AS n FROM plays WHERE later IS NULL AND year = 2025");
    expect(rows).toEqual([{ n: 1 }]);
  });

  it("is not hidden by a view, which is refused next to the table itself as well", async () => {
    await client.rows("CREATE VIEW seen AS SELECT * FROM plays");
    for (const sql of ["SELECT * FROM seen", "SELECT * FROM plays JOIN seen USING (year, week)"])
      await expect(db.sql(sql)).rejects.toMatchObject({
        code: "not_supported",
        message: expect.stringContaining("view"),
      });
  });
});
