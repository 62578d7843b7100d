import { tracingChannel } from "node:diagnostics_channel";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PartitionValue, partition, type Row, Storage } from "@parquetry/core";
import { openQuery, type QueryDatabase } from "@parquetry/query";
import { afterAll, beforeAll, expect, it } from "vitest";
import { registerTable, trino } from "../../src/index.ts";
import { describeTrino, newS3Backend, newSchema, TEST_TRINO } from "../support/test-trino.ts";
import { FORTY_QUERIES, KEY_QUERIES } from "./forty-queries.ts";

const TEAMS = ["Texas A&M", "Hawai'i", "Miami (OH)", "San José State", "Rice", "Army"];
const YEARS = [2018, 2019, 2020];
const WEEKS = [1, 2, 3, 4];

let storage: Storage;
let here: QueryDatabase;
let there: QueryDatabase;
let cache: string;
let schema: string;

/** A tree like the football project's, of invented values. */
async function writeFootball(): Promise<void> {
  for (const year of YEARS) {
    for (const week of WEEKS) {
      const games = Array.from({ length: 5 }, (_, i) => {
        const game_id = BigInt((year - 2018) * 100_000 + week * 1000 + i);
        return { game_id, home_team: TEAMS[i % 6] ?? "", away_team: TEAMS[(i * 5 + week) % 6] ?? "" };
      });
      const plays = games.flatMap(({ game_id, home_team, away_team }) =>
        Array.from({ length: 20 }, (_, i) => {
          const counts = { period: 1 + (i % 4), down: 1 + (i % 5), rush_yds: (i * 7 + week) % 23 };
          return { game_id, ...counts, opponent: i % 2 === 0 ? home_team : away_team };
        }),
      );
      const played = games.filter(({ game_id }) => game_id % 3n < 2n || year < 2020);
      await storage.write("raw/games", played, partition({ year, week }));
      await storage.write("raw/plays", plays, partition({ year, week }));
    }
    for (const school of TEAMS) {
      const conference = ["Big Ten", "Big 12", null][school.length % 3] ?? null;
      const division = ["East", null][(year + school.length) % 2] ?? null;
      const place = partition({ year, conference, division });
      await storage.write("raw/teams", [{ school }], place, { overwrite: false });
    }
  }
}

/** A key of every awkward kind. The last city is written with a combining accent. */
async function writeStadiums(): Promise<void> {
  const cities = [null, "Montréal", "東京", "san josé", "San José", "a=b/50%", 'O\'Hara "x"', "Me\u0301rida"];
  for (const [i, City] of cities.entries()) {
    for (const Season of [2023, 2024].slice(0, 1 + (i % 2))) {
      const place: Record<string, PartitionValue> = { Season, City };
      await storage.write("raw/Stadiums", [{ seats: i * 10 + Season }, { seats: i }], partition(place));
    }
  }
}

describeTrino("the queries of the football tables", () => {
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), "parquetry-forty-"));
    storage = new Storage(newS3Backend());
    await writeFootball();
    await writeStadiums();
    here = await openQuery(storage, { cacheDirectory: cache });
    const client = await newSchema();
    for (const table of ["plays", "games", "teams", "Stadiums"]) {
      const found = await registerTable(client, storage.backend, await here.describe(table), { check: true });
      expect(found).toMatchObject({ problems: [], differences: [] });
    }
    const { url, catalog } = TEST_TRINO;
    schema = client.schema;
    there = await openQuery(storage, { engine: trino({ url, catalog, schema }) });
  });

  afterAll(async () => {
    await there.close();
    await here.close();
    await storage.close();
    await rm(cache, { recursive: true, force: true });
  });

  const answers = new Set<string>();
  let pruned = 0;

  it.each([...FORTY_QUERIES, ...KEY_QUERIES])("%s", async (sql) => {
    const expected = await here.sql(sql);
    const found = await there.sql(sql);
    expect(found.rows.map(comparable)).toEqual(expected.rows.map(comparable));
    expect(found.stats.inexact).toBeUndefined();
    if (found.stats.tables.some(({ levels }) => levels.some(({ kept, total }) => kept < total))) pruned++;
    answers.add(JSON.stringify(found.rows.map(comparable)));
  });

  it("are explained level by level, however the names of keys are written", async () => {
    const { tables } = await there.explain(
      "SELECT * FROM stadiums WHERE season = 2024 AND city = 'Montréal'",
    );
    expect(tables).toMatchObject([
      {
        entity: "raw/Stadiums",
        levels: [
          { key: "Season", kept: 1, total: 2 },
          { key: "City", kept: 1, total: 4 },
        ],
      },
    ]);
  });

  it("are published on their tracing channel, without their parameters", async () => {
    const messages: unknown[] = [];
    const take = (message: unknown): number => messages.push(message);
    const { asyncEnd } = tracingChannel("parquetry:query");
    asyncEnd.subscribe(take);
    try {
      const sql = "SELECT count(*) AS n FROM teams WHERE school = ?";
      const { stats } = await there.sql(sql, ["Rice"]);
      await expect.poll(() => messages).toHaveLength(1);
      expect(messages[0]).toMatchObject({ sql, result: { tables: stats.tables } });
      expect(JSON.stringify(messages)).not.toContain("Rice");
    } finally {
      asyncEnd.unsubscribe(take);
    }
  });

  it("are refused where they name more files than a statement can hold, or run over all files by option", async () => {
    const { url, catalog } = TEST_TRINO;
    const limited = { url, catalog, schema, maxQueryLength: 500 };
    await using strict = await openQuery(storage, { engine: trino(limited) });
    const sql = "SELECT count(*) AS n FROM plays";
    await expect(strict.sql(sql)).rejects.toMatchObject({
      code: "invalid_argument",
      storeCode: "QUERY_TEXT_TOO_LARGE",
      message: expect.stringContaining("parquetry compact"),
    });
    await using plain = await openQuery(storage, {
      engine: trino({ ...limited, beyondQueryLength: "plain" }),
    });
    const { rows, stats } = await plain.sql(sql);
    expect(rows).toEqual((await here.sql(sql)).rows);
    expect(stats.inexact).toContain("12 files");
  });

  it("find tables that are described by their declaration", async () => {
    const { keys, columns, looked } = await there.describe("plays");
    expect(keys.map(({ name }) => name)).toEqual(["year", "week"]);
    expect(columns).toContainEqual({ name: "opponent", type: "varchar" });
    expect(looked).toEqual({ partitions: 12, of: 12 });
  });

  it("have different answers and leave out partitions, so that equal answers prove something", () => {
    expect(answers.size).toBeGreaterThan(35);
    expect(pruned).toBeGreaterThan(25);
  });
});

/** Trino writes the names of a table's columns in lower case. A sum of integers is a HUGEINT of DuckDB and a BIGINT of Trino. */
function comparable(row: Row): Row {
  const number = (value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name.toLowerCase(), number(value)]),
  ) as Row;
}
