import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { createMemoryBackend, parseKey, partition, Storage } from "@parquetry/core";
import { encodeParquet, inferColumns } from "@parquetry/core/unstable/tables";
import { GAMES, game, NESTED_ROWS, nested, season, WIDE_ROWS, wide } from "./rows.mjs";

/** Wraps a backend and counts the bytes that are read. */
function counting(backend) {
  const counter = { bytes: 0 };
  const get = async (key, options) => {
    const result = await backend.get(key, options);
    const { range } = options ?? {};
    const { sizeBytes } = result.info;
    if (range === undefined) counter.bytes += sizeBytes;
    else if (range.last !== undefined) counter.bytes += Math.min(sizeBytes, range.last);
    else counter.bytes += range.end - range.start;
    return result;
  };
  return { counter, backend: new Proxy(backend, { get: (of, name) => (name === "get" ? get : of[name]) }) };
}

/** Each job prepares itself, and returns the function to measure. */
export async function openJobs(work) {
  const storage = new Storage(await createLocalBackend({ root: work }));
  const inMemory = async () => {
    const { backend, counter } = counting(createMemoryBackend());
    const memory = new Storage(backend);
    await backend.put(parseKey("game.parquet"), await encodeParquet(game(1), await inferColumns(game(1))));
    return { memory, counter };
  };
  return {
    "game-write": () => {
      const rows = game(1);
      return async () => `${(await encodeParquet(rows, await inferColumns(rows))).byteLength} bytes`;
    },
    "game-read": async () => {
      const { memory } = await inMemory();
      return async () => `${(await memory.readParquet("game.parquet")).length} rows`;
    },
    "game-columns": async () => {
      const { memory } = await inMemory();
      return async () =>
        `${(await memory.readParquet("game.parquet", { columns: ["i1", "d1"] })).length} rows`;
    },
    "games-write": () => {
      function* season() {
        for (let id = 0; id < GAMES; id++) yield { partition: partition({ id }), rows: game(id) };
      }
      return async () => {
        await storage.replacePartitions("games", season());
        return "committed, synced to disk, with manifests";
      };
    },
    "season-write": () => {
      const rows = season();
      return async () => {
        await storage.writePartitions("season", rows, { by: ["id"] });
        return "committed, synced to disk, with manifests";
      };
    },
    "games-read": () => async () => `${(await storage.readIndex("games")).length} rows`,
    "wide-write": () => {
      const rows = wide(WIDE_ROWS);
      return () => storage.writeParquet("wide.parquet", rows);
    },
    "wide-read": () => async () => {
      let rows = 0;
      for await (const batch of storage.scanParquet("wide.parquet")) rows += batch.length;
      return `${rows} rows, streamed`;
    },
    "nested-write": () => {
      const rows = nested(NESTED_ROWS);
      return () => storage.writeParquet("nested.parquet", rows);
    },
    "nested-read": () => async () => `${(await storage.readParquet("nested.parquet")).length} rows`,
    "wide-columns": async () => {
      const { backend, counter } = counting(storage.backend);
      const counted = new Storage(backend);
      const total = (await readFile(join(work, "wide.parquet"))).byteLength;
      return async () => {
        counter.bytes = 0;
        let rows = 0;
        for await (const batch of counted.scanParquet("wide.parquet", { columns: ["i1", "d1"] }))
          rows += batch.length;
        return `${rows} rows, ${(counter.bytes / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB read`;
      };
    },
  };
}
