import { execFile } from "node:child_process";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { DuckDBConnection } from "@duckdb/node-api";

/** The size of a generated tree: the product of these is its number of files of plays. */
export interface TreeSize {
  readonly seasons: number;
  readonly weeks: number;
  readonly games: number;
}

/** Generates a tree like the football project's with DuckDB, from invented values. The last season is 2020. */
export async function makeFootballTree(
  connection: DuckDBConnection,
  root: string,
  { seasons, weeks, games }: TreeSize,
): Promise<void> {
  const teams = "['Texas A&M', 'Hawai''i', 'Miami (OH)', 'San José State', 'Rice', 'Army']";
  await mkdir(join(root, "raw"), { recursive: true });
  const copy = (entity: string, keys: string, select: string): Promise<unknown> =>
    connection.run(
      `COPY (${select}) TO '${root}/raw/${entity}' (FORMAT parquet, PARTITION_BY (${keys}), OVERWRITE_OR_IGNORE)`,
    );
  await connection.run(`CREATE OR REPLACE TEMP TABLE g AS
    SELECT 2021 - ${seasons} + y AS year, w + 1 AS week, y * 100000 + w * 1000 + g AS game_id, ${teams}[1 + g % 6] AS home_team,
      ${teams}[1 + (g * 5 + w) % 6] AS away_team
    FROM range(${seasons}) s(y), range(${weeks}) t(w), range(${games}) u(g)`);
  await copy(
    "plays",
    "year, week, game_id",
    `SELECT g.* EXCLUDE (home_team, away_team), (1 + i % 4)::INTEGER AS period, (1 + i % 5)::INTEGER AS down, (i * 7 % 23)::INTEGER AS rush_yds,
       CASE WHEN i % 2 = 0 THEN home_team ELSE away_team END AS opponent FROM g, range(20) r(i)`,
  );
  await copy("games", "year, week", "FROM g WHERE game_id % 3 < 2 OR year < 2020");
  await copy(
    "teams",
    "year, conference, division",
    `SELECT year, school, ['Big Ten', 'Big 12', NULL][1 + length(school) % 3] AS conference, ['East', NULL][1 + (year + length(school)) % 2] AS division
     FROM (SELECT DISTINCT year FROM g), (SELECT unnest(${teams}) AS school)`,
  );
}

/** The builder of the real tree, if a folder `shared` is next to the checkout. */
export const SHARED_DATA: string = join(
  dirname(fileURLToPath(import.meta.url)),
  ...["..", "..", "..", "..", "shared", "data"],
);

/** Builds the real tree: seasons 2001 to 2025 with their drifting columns, plays of 2019 and 2020. */
export async function buildRealTree(root: string): Promise<void> {
  // It imports DuckDB, which it finds only from inside this package.
  const builder = join(dirname(fileURLToPath(import.meta.url)), "..", ".vitest", `build-${process.pid}.mjs`);
  await mkdir(dirname(builder), { recursive: true });
  await copyFile(join(SHARED_DATA, "build-cfb.mjs"), builder);
  try {
    const args = [
      builder,
      join(SHARED_DATA, "sources"),
      root,
      "--plays=2019-2020",
      "--only=games,plays,teams",
    ];
    await promisify(execFile)(process.execPath, args);
  } finally {
    await rm(builder, { force: true });
  }
}
