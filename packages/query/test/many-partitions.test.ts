import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, parseKey, Storage } from "@parquetry/core";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { expect, it } from "vitest";
import { openQuery } from "../src/index.ts";

/** More than V8 takes as the arguments of one call. */
const MANY = 150_000;

it("reads one of 150,000 partitions of one key", async () => {
  const cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-many-"));
  const backend = createMemoryBackend();
  const bytes = await encodeParquet([{ id: 1 }], [{ name: "id", type: "double" }]);
  for (let game = 0; game < MANY; game++)
    await backend.put(parseKey(`raw/plays/game=${game}/a.parquet`), bytes);
  const db = await openQuery(new Storage(backend), { cacheDirectory });
  const { rows, stats } = await db.sql("SELECT game, id FROM plays WHERE game = 777");
  expect(rows).toEqual([{ game: 777, id: 1 }]);
  expect(stats.tables[0]).toMatchObject({ files: 1 });
  await db.close();
  await rm(cacheDirectory, { recursive: true });
});
