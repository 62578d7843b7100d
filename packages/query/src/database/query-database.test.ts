import { tracingChannel } from "node:diagnostics_channel";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, isStorageError, partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery } from "./open-query.ts";
import type { QueryDatabase } from "./query-database.ts";

describe("a query", () => {
  let cacheDirectory: string;
  let db: QueryDatabase;
  let storage: Storage;

  beforeAll(async () => {
    cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-query-test-"));
    storage = new Storage(createMemoryBackend());
    for (const year of ["2022", "2023", "2024"]) {
      for (const week of ["1", "2", "3"]) {
        const rows = ["Hawai'i", "Miami (OH)"].map((team, i) => ({
          team,
          yards: Number(year) - 2000 + i,
        }));
        await storage.write("raw/plays", rows, partition({ year, week }));
      }
      await storage.writeCsv(`raw/games/year=${year}/games.csv`, [
        { game: `0${year}`, home: "Hawai'i", score: 1.5 },
      ]);
    }
    await storage.write("processed/plays", [{ x: 1 }], partition({ year: "2024" }));
    db = await openQuery(storage, { cacheDirectory });
  });

  afterAll(async () => {
    await db?.close();
    await rm(cacheDirectory, { recursive: true, force: true });
  });

  it("is published on its tracing channel, with its statistics and without its parameters", async () => {
    const messages: unknown[] = [];
    const take = (message: unknown): number => messages.push(message);
    const { asyncEnd } = tracingChannel("parquetry:query");
    asyncEnd.subscribe(take);
    try {
      const { stats } = await db.sql("FROM games WHERE home = $home", { home: "secret" });
      await expect.poll(() => messages).toHaveLength(1);
      expect(messages[0]).toMatchObject({
        sql: "FROM games WHERE home = $home",
        result: { tables: stats.tables, rowCount: 0 },
      });
      expect(JSON.stringify(messages)).not.toContain("secret");
    } finally {
      asyncEnd.unsubscribe(take);
    }
  });

  it("reads only the files that it needs", async () => {
    const { rows, stats, columns } = await db.sql(
      'SELECT week, sum(yards) AS yards FROM "raw/plays" WHERE year = $year AND week BETWEEN 2 AND 3 GROUP BY week ORDER BY week',
      { year: 2024 },
    );
    expect(rows).toEqual([
      { week: 2, yards: 49 },
      { week: 3, yards: 49 },
    ]);
    expect(columns).toEqual([
      { name: "week", type: "BIGINT" },
      { name: "yards", type: "HUGEINT" },
    ]);
    expect(stats.tables).toMatchObject([
      {
        entity: "raw/plays",
        levels: [
          { key: "year", kept: 1, total: 3 },
          { key: "week", kept: 2, total: 3 },
        ],
        partitions: 2,
        files: 2,
      },
    ]);
  });

  it("returns exactly the files that a query reads, with their partitions", async () => {
    const sql = 'SELECT team FROM "raw/plays" JOIN games USING (year) WHERE year = $year AND week > 1';
    const files = await db.files(sql, { year: 2024 });
    const listed = await Promise.all(
      ["raw/plays/year=2024/week=2", "raw/plays/year=2024/week=3", "raw/games/year=2024"].map((folder) =>
        storage.listFiles(folder),
      ),
    );
    const data = listed.flat().filter((key) => !key.endsWith(".json"));
    expect(files.map(({ key }) => key).sort()).toEqual(data.sort());
    expect(files).toContainEqual({
      entity: "raw/games",
      path: storage.fullPath("raw/games/year=2024/games.csv"),
      key: "raw/games/year=2024/games.csv",
      sizeBytes: expect.any(Number),
      partition: { year: "2024" },
    });
    const { stats } = await db.sql(sql, { year: 2024 });
    const read = stats.tables.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(read);
    expect(await db.files("SELECT 1")).toEqual([]);
  });

  it("explains partitions, files and list requests", async () => {
    const { tables, listRequests } = await db.explain(
      "SELECT * FROM games WHERE year > 2022 AND home LIKE 'H%'",
    );
    expect(tables).toMatchObject([
      { entity: "raw/games", levels: [{ key: "year", kept: 2, total: 3 }], files: 2 },
    ]);
    expect(listRequests).toBeLessThan(6);
    expect((await db.explain("SELECT * FROM games WHERE year = 2023")).listRequests).toBe(1);
  });

  it("joins CSV and Parquet", async () => {
    const { rows } = await db.sql(
      'SELECT g.game, p.yards FROM games g JOIN "raw/plays" p USING (year) WHERE p.team = g.home AND week = 1 ORDER BY 1',
    );
    expect(rows).toEqual([
      { game: "02022", yards: 22 },
      { game: "02023", yards: 23 },
      { game: "02024", yards: 24 },
    ]);
  });

  it("names the candidates of an ambiguous name", async () => {
    await expect(db.sql("SELECT * FROM plays")).rejects.toThrow(/"processed\/plays" or "raw\/plays"/);
  });

  it("refuses an unknown option", async () => {
    const misspelt: object = { maxrows: 0 };
    await expect(db.sql("SELECT 1", [], misspelt)).rejects.toThrow("Did you mean maxRows?");
  });

  it("suggests tables and columns", async () => {
    await expect(db.sql("SELECT * FROM gmaes")).rejects.toThrow(/Did you mean games/);
    await expect(db.sql('SELECT yrads FROM "raw/plays" WHERE year = 2024')).rejects.toThrow(
      /Did you mean "yards"/,
    );
    await expect(db.sql('SELECT yards FORM "raw/plays"')).rejects.toSatisfy((error) =>
      isStorageError(error, "invalid_argument"),
    );
  });
});
