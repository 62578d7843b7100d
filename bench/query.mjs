import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";
import { compare } from "./measure.mjs";

const SEASONS = 6;
const WEEKS = 15;
const GAMES = 40;
const QUESTION = "SELECT count(*) AS n, sum(yards) AS yards FROM plays WHERE year = 2024 AND week = 5";

/** One week out of a tree of small files: ours beside DuckDB with a glob over everything. */
export async function benchQuery(work) {
  const root = join(work, "tree");
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await mkdir(join(root, "raw", "plays"), { recursive: true });
  await connection.run(`COPY (
      SELECT 2019 + y AS year, w + 1 AS week, y * 100000 + w * 1000 + g AS game_id, range AS play, range % 23 AS yards
      FROM range(${SEASONS}) s(y), range(${WEEKS}) t(w), range(${GAMES}) u(g), range(150)
    ) TO '${root}/raw/plays' (FORMAT parquet, PARTITION_BY (year, week, game_id))`);
  const storage = new Storage(await createLocalBackend({ root }));
  const db = await openQuery(storage);
  const glob = `read_parquet('${root}/raw/plays/**/*.parquet', hive_partitioning = true)`;

  await compare(`One week (${GAMES} files) out of ${SEASONS * WEEKS * GAMES}`, {
    "ours, local": async () => {
      const { rows, stats } = await db.sql(QUESTION);
      return `${rows[0].n} rows, ${stats.tables[0].files} files, plan ${stats.planMs.toFixed(0)} ms`;
    },
    "DuckDB, ** glob": async () => {
      const reader = await connection.runAndReadAll(QUESTION.replace("plays", glob));
      return `${Number(reader.getRows()[0][0])} rows`;
    },
  });
  await db.close();
  connection.closeSync();
}
