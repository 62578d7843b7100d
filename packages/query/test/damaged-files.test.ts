import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { isStorageError, Storage } from "@parquetry/core";
import { expect, it } from "vitest";
import { openQuery } from "../src/index.ts";

it("names a damaged file, wherever the damage is", async () => {
  const root = await mkdtemp(join(tmpdir(), "parquetry-damaged-"));
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`COPY (SELECT y AS year, range AS x, 'text ' || (range % 100) AS t, (range * 37) % 1000 AS z
    FROM range(1000), range(2020, 2025) years(y)) TO '${root}/plays' (FORMAT parquet, PARTITION_BY (year))`);
  connection.closeSync();
  instance.closeSync();
  const folder = join(root, "plays", "year=2022");
  const [name = ""] = await readdir(folder);
  const good = await readFile(join(folder, name));
  const storage = new Storage(await createLocalBackend({ root }));
  await using db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
  await db.describe("plays");
  let failed = 0;
  for (let i = 0; i < 30; i++) {
    const bytes = Buffer.from(good);
    const at = 4 + ((i * 7919) % (good.length - 16));
    for (let k = 0; k < 8; k++) bytes[at + k] = (bytes[at + k] ?? 0) ^ 0xff;
    await writeFile(join(root, "next"), i === 0 ? good.subarray(0, 500) : bytes);
    await rename(join(root, "next"), join(folder, name));
    const error: unknown = await db
      .sql("SELECT sum(x), max(t), sum(z) FROM plays")
      .catch((reason: unknown) => reason);
    if (!isStorageError(error)) continue;
    failed++;
    expect(error, `damaged at ${at}`).toMatchObject({ code: "corrupt", path: `plays/year=2022/${name}` });
    expect(error.message).toContain(`plays/year=2022/${name}`);
    // Another partition can still be read.
    expect((await db.sql("SELECT count(t) AS n FROM plays WHERE year = 2024")).rows).toEqual([{ n: 1000 }]);
  }
  expect(failed).toBeGreaterThan(20);
  await rm(root, { recursive: true, force: true });
}, 60_000);
