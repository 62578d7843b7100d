import { createMemoryBackend, Storage } from "@parquetry/core";
import { type OpenQueryOptions, openQuery } from "@parquetry/query";
import { expect, it } from "vitest";
import { trino } from "../src/index.ts";

const engine = trino({ url: "http://127.0.0.1:1", catalog: "hive", schema: "lake" });

it.each<[keyof OpenQueryOptions, OpenQueryOptions]>([
  ["hiveTypes", { hiveTypes: {} }],
  ["columnTypes", { columnTypes: {} }],
  ["csv", { csv: {} }],
  ["remote", { remote: "cache" }],
  ["httpfsExtension", { httpfsExtension: "httpfs" }],
  ["cacheDirectory", { cacheDirectory: "cache" }],
  ["cacheMaxBytes", { cacheMaxBytes: 1 }],
  ["trusted", { trusted: false }],
  ["isolate", { isolate: true }],
  ["memoryLimit", { memoryLimit: "1GB" }],
  ["threads", { threads: 2 }],
  ["onUnreadableFolder", { onUnreadableFolder: () => {} }],
  ["onStrays", { onStrays: () => {} }],
])("openQuery refuses an option of DuckDB next to an engine by its name: %s", async (name, options) => {
  const storage = new Storage(createMemoryBackend());
  await expect(openQuery(storage, { engine, ...options })).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringMatching(
      new RegExp(`: ${name} is an option of the embedded DuckDB.*engine: trino`),
    ),
  });
});

it("calls that only DuckDB has are refused by their names", async () => {
  await using db = await openQuery(new Storage(createMemoryBackend()), { engine });
  const calls = {
    toParquet: db.toParquet("SELECT 1"),
    arrow: db.arrow("SELECT 1"),
    files: db.files("SELECT 1"),
    compact: db.compact("plays"),
  };
  for (const [name, call] of Object.entries(calls))
    await expect(call).rejects.toMatchObject({
      code: "not_supported",
      op: name,
      message: expect.stringContaining(`${name}: the engine trino`),
    });
});
