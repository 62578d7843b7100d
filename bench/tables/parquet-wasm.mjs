import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tableFromIPC, tableFromJSON, tableToIPC } from "apache-arrow";
import { readParquet, Table, writeParquet } from "parquet-wasm/node";
import { GAMES, game, WIDE_ROWS, wide } from "./rows.mjs";

// tableFromJSON changes values silently (undefined, negative bigints); the rows here have none of these.
const encode = (rows) => writeParquet(Table.fromIPCStream(tableToIPC(tableFromJSON(rows), "stream")));
const decode = (bytes, options) => tableFromIPC(readParquet(bytes, options).intoIPCStream());
const toRows = (table) => table.toArray().map((row) => row.toJSON());

export async function openJobs(work) {
  const file = (name) => join(work, name);
  return {
    "game-write": () => {
      const rows = game(1);
      return () => `${encode(rows).byteLength} bytes`;
    },
    "game-read": () => {
      const bytes = encode(game(1));
      return () => `${toRows(decode(bytes)).length} rows`;
    },
    "game-columns": () => {
      const bytes = encode(game(1));
      return () => `${toRows(decode(bytes, { columns: ["i1", "d1"] })).length} rows`;
    },
    "games-write": () => async () => {
      for (let id = 0; id < GAMES; id++) {
        await mkdir(file(`games/id=${id}`), { recursive: true });
        await writeFile(file(`games/id=${id}/data.parquet`), encode(game(id)));
      }
      return "one after the other, not synced";
    },
    "games-read": () => async () => {
      let rows = 0;
      for (const folder of await readdir(file("games")))
        rows += toRows(decode(await readFile(file(`games/${folder}/data.parquet`)))).length;
      return `${rows} rows`;
    },
    "wide-write": () => {
      const rows = wide(WIDE_ROWS);
      return () => writeFile(file("wide.parquet"), encode(rows));
    },
    "wide-read": () => async () => `${toRows(decode(await readFile(file("wide.parquet")))).length} rows`,
    "wide-columns": () => async () =>
      `${toRows(decode(await readFile(file("wide.parquet")), { columns: ["i1", "d1"] })).length} rows, whole file read`,
  };
}
