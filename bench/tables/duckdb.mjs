import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { GAMES, game, NESTED_ROWS, nested, season, WIDE_ROWS, wide } from "./rows.mjs";

/** Rows are passed to DuckDB as JSON in a file: the fastest way for JavaScript objects. */
export async function openJobs(work) {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const file = (name) => join(work, name);
  const rowsOf = async (sql) => `${(await connection.runAndReadAll(sql)).getRowObjectsJS().length} rows`;
  const streamed = async (sql) => {
    const result = await connection.stream(sql);
    const names = result.columnNames();
    let rows = 0;
    for (
      let chunk = await result.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    )
      rows += chunk.getRowObjects(names).length;
    return `${rows} rows, streamed`;
  };
  const copyJson = async (rows, name) => {
    await writeFile(file("rows.json"), rows.map((row) => JSON.stringify(row)).join("\n"));
    await connection.run(`COPY (FROM read_json('${file("rows.json")}')) TO '${file(name)}' (FORMAT parquet)`);
  };
  return {
    "game-write": () => {
      const rows = game(1);
      return () => copyJson(rows, "game.parquet");
    },
    "game-read": () => () => rowsOf(`FROM '${file("game.parquet")}'`),
    "game-columns": () => () => rowsOf(`SELECT i1, d1 FROM '${file("game.parquet")}'`),
    "games-write": () => async () => {
      await writeFile(
        file("rows.json"),
        Array.from({ length: GAMES }, (_, id) =>
          game(id)
            .map((row) => JSON.stringify({ ...row, id }))
            .join("\n"),
        ).join("\n"),
      );
      await connection.run(
        `COPY (FROM read_json('${file("rows.json")}')) TO '${file("games")}' (FORMAT parquet, PARTITION_BY (id))`,
      );
      return "one COPY, not synced";
    },
    "season-write": () => {
      const rows = season();
      return async () => {
        await writeFile(file("rows.json"), rows.map((row) => JSON.stringify(row)).join("\n"));
        await connection.run(
          `COPY (FROM read_json('${file("rows.json")}')) TO '${file("season")}' (FORMAT parquet, PARTITION_BY (id))`,
        );
        return "through JSON, not synced";
      };
    },
    "games-read": () => () =>
      rowsOf(`FROM read_parquet('${file("games")}/**/*.parquet', hive_partitioning = true)`),
    "wide-write": () => {
      const rows = wide(WIDE_ROWS);
      return async () => {
        await copyJsonInParts(rows);
        return "through JSON";
      };
    },
    "nested-write": () => {
      const rows = nested(NESTED_ROWS);
      return () => copyJson(rows, "nested.parquet");
    },
    "nested-read": () => () => rowsOf(`FROM '${file("nested.parquet")}'`),
    "wide-read": () => () => streamed(`FROM '${file("wide.parquet")}'`),
    "wide-columns": () => () => streamed(`SELECT i1, d1 FROM '${file("wide.parquet")}'`),
  };

  /** A string cannot hold a million rows. */
  async function copyJsonInParts(rows) {
    for (let part = 0; part < 10; part++) {
      const some = rows.slice((part * rows.length) / 10, ((part + 1) * rows.length) / 10);
      await writeFile(file(`wide-${part}.json`), some.map((row) => JSON.stringify(row)).join("\n"));
    }
    await connection.run(
      `COPY (FROM read_json('${file("wide-*.json")}')) TO '${file("wide.parquet")}' (FORMAT parquet)`,
    );
  }
}
