import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { encodeParquet, inferColumns, partition, Storage } from "@parquetry/core";
import { compare } from "./measure.mjs";

/** One game of the first user: 165 plays of 63 columns, a third each of integers, decimals and text. */
function game(id) {
  return Array.from({ length: 165 }, (_, play) => {
    const row = {};
    for (let c = 0; c < 21; c++) row[`i${c}`] = play * c + id;
    for (let c = 0; c < 21; c++) row[`d${c}`] = (play * c) / 7;
    for (let c = 0; c < 21; c++) row[`t${c}`] = c % 2 === 0 ? `team ${play % 2}` : null;
    return row;
  });
}

/** Writing and reading one game's partition, beside DuckDB doing the same from and to JavaScript rows. */
export async function benchTables(work) {
  const rows = game(1);
  const storage = new Storage(await createLocalBackend({ root: work }));
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const json = join(work, "rows.json");
  const file = join(work, "duckdb.parquet");

  await compare("One game (165 rows, 63 columns): rows to a file", {
    "ours, bytes only": async () => {
      for (let i = 0; i < 20; i++) encodeParquet(rows, inferColumns(rows));
      return "20 games";
    },
    "ours, committed partition": async () => {
      for (let i = 0; i < 20; i++) {
        await storage.write("raw/games", rows, partition({ game: i }), { overwrite: true });
      }
      return "20 games, synced to disk, with manifest";
    },
    "DuckDB, from JSON": async () => {
      for (let i = 0; i < 20; i++) {
        await writeFile(json, JSON.stringify(rows));
        await connection.run(`COPY (FROM read_json('${json}')) TO '${file}' (FORMAT parquet)`);
      }
      return "20 games, not synced";
    },
  });

  await compare("20 games: files to rows", {
    "ours, readIndex": async () => `${(await storage.readIndex("raw/games")).length} rows`,
    "ours, 2 of 63 columns": async () =>
      `${(await storage.readIndex("raw/games", {}, { columns: ["i1", "d1"] })).length} rows`,
    "DuckDB, glob, getRowObjectsJS": async () => {
      const reader = await connection.runAndReadAll(
        `FROM read_parquet('${work}/raw/games/**/*.parquet', hive_partitioning = true)`,
      );
      return `${reader.getRowObjectsJS().length} rows`;
    },
  });
  connection.closeSync();
  await readFile(file).then(() => rm(file));
}
