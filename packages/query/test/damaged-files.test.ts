import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { isStorageError, partition, Storage } from "@parquetry/core";
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

it.each(["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"])(
  "calls a damaged page, dictionary or level of a file in %s corrupt, and names the file",
  async (codec) => {
    const root = await mkdtemp(join(tmpdir(), "parquetry-pages-"));
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const select = `SELECT range AS n, 'text ' || (range % 50) AS s, CASE WHEN range % 3 = 0 THEN NULL ELSE range END AS o,
      [range, range + 1] AS l, range::DOUBLE / 7 AS f, {a: range % 5, b: 'x' || range} AS st, hash(range)::VARCHAR AS u`;
    for (const version of ["V1", "V2"]) {
      await connection.run(
        `COPY (${select} FROM range(3000)) TO '${root}/${version}.parquet' (FORMAT parquet, COMPRESSION ${codec}, PARQUET_VERSION ${version})`,
      );
    }
    connection.closeSync();
    instance.closeSync();
    const storage = new Storage(await createLocalBackend({ root }));
    for (const year of [2023, 2024]) await storage.write("plays", [{ n: year }], partition({ year }));
    await using db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
    let failed = 0;
    for (let i = 0; i < 30; i++) {
      const bytes = await readFile(join(root, `V${(i % 2) + 1}.parquet`));
      const end = bytes.byteLength - 8 - bytes.readUInt32LE(bytes.byteLength - 8);
      const length = [1, 4, 40, 400][i % 4] ?? 1;
      const at = 4 + ((i * 104_729) % (end - 4 - length));
      for (let k = 0; k < length; k++) bytes[at + k] = (i + k * 31) % 256;
      await writeFile(join(root, "next"), bytes);
      await rename(join(root, "next"), join(root, "plays/year=2024/damaged.parquet"));
      if (i === 0) await rm(join(root, "plays/year=2024/_manifest.json"));
      const error: unknown = await db.sql("SELECT * FROM plays").catch((reason: unknown) => reason);
      if (!isStorageError(error)) continue;
      failed++;
      expect(error, `${length} bytes at ${at}`).toMatchObject({
        code: "corrupt",
        path: "plays/year=2024/damaged.parquet",
      });
    }
    expect(failed).toBeGreaterThan(5);
    await rm(root, { recursive: true, force: true });
  },
  60_000,
);

it("leaves an error of the SQL that only sounds like damage as it is", async () => {
  const root = await mkdtemp(join(tmpdir(), "parquetry-sounds-"));
  const storage = new Storage(await createLocalBackend({ root }));
  await storage.write("plays", [{ n: 1 }], partition({ year: 2024 }));
  await using db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
  await expect(db.sql("SELECT error('a corrupt zstd page of parquet') FROM plays")).rejects.toMatchObject({
    code: "invalid_argument",
    path: undefined,
  });
  await rm(root, { recursive: true, force: true });
});
