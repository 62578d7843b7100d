import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createLocalBackend } from "@parquetry/backend-local";
import { createMemoryBackend, parseKey, partition, Storage } from "@parquetry/core";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type TableStrays } from "../src/index.ts";

const parquet = await encodeParquet([{ n: 2 }], [{ name: "n", type: "int64" }]);
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** Files of one row, `n` = 2, by the names that other tools give them. */
const READ: Readonly<Record<string, Uint8Array>> = {
  "b.PARQUET": parquet,
  "b.Parquet": parquet,
  "b.parq": parquet,
  "b.PQ": parquet,
  "b.pq": parquet,
  "b.parquet.gzip": parquet,
  "b.snappy.parquet": parquet,
  "b.parquet.snappy": parquet,
  "b.CSV": text("n\n2\n"),
  "b.csv.gz": gzipSync("n\n2\n"),
  "b.CSV.GZ": gzipSync("n\n2\n"),
  "plain.csv.gz": text("n\n2\n"),
  "b.tsv": text("n\tm\n2\t\n"),
  "b.TSV.gz": gzipSync("n\tm\n2\t\n"),
};

/** Data files that are not read. */
const STRAY = [
  "b.orc",
  "b.avro",
  "b.json",
  "b.ndjson",
  "b.feather",
  "b.csv.bz2",
  "b.csv.zst",
  "b.csv.zip",
  "b.parquet.gz",
  "b.tab",
  "b.xlsx",
  "20241129_081523_00007_x",
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-extensions-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const put = async (storage: Storage, path: string, bytes: Uint8Array): Promise<void> => {
  await storage.backend.put(parseKey(path), bytes);
};

describe.each(["local", "memory"])("on %s", (place) => {
  const open = async (): Promise<Storage> => {
    if (place === "memory") return new Storage(createMemoryBackend());
    return new Storage(await createLocalBackend({ root: await mkdtemp(join(folder, "root-")) }));
  };

  it.each(Object.entries(READ))("reads %s by readIndex and SQL, with the same rows", async (name, bytes) => {
    await using storage = await open();
    await storage.write("raw/t", [{ n: 1 }], partition({ y: 1 }));
    await put(storage, `raw/t/y=2/${name}`, bytes);
    expect(await storage.listEntities()).toEqual(["raw/t"]);
    const rows = await storage.readIndex("raw/t");
    expect(rows.map(({ n, y }) => [n, Number(y)])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    const strays: TableStrays[] = [];
    await using db = await openQuery(storage, {
      cacheDirectory: join(folder, "c"),
      onStrays: (s) => strays.push(s),
    });
    expect((await db.sql("SELECT n, y FROM t ORDER BY n")).rows).toEqual([
      { n: 1, y: 1 },
      { n: 2, y: 2 },
    ]);
    expect(strays).toEqual([]);
    const report = await storage.inspect("raw/t");
    expect(report).toMatchObject({ rows: 2, files: 2, strays: [], obstacles: [], unreadable: [] });
  });

  it.each(STRAY)("reports %s as a stray: by inspect, by repair, and once by SQL", async (name) => {
    await using storage = await open();
    await put(storage, "raw/t/y=1/a.parquet", parquet);
    await put(storage, `raw/t/y=2/${name}`, text("data"));
    await put(storage, `raw/t/y=1/${name}`, text("data"));
    const keys = [`raw/t/y=1/${name}`, `raw/t/y=2/${name}`];
    expect((await storage.inspect("raw/t")).strays).toEqual(keys);
    expect((await storage.repair("raw/t")).strays.map(({ path }) => path)).toEqual(keys);
    const told: TableStrays[] = [];
    await using db = await openQuery(storage, {
      cacheDirectory: join(folder, "c"),
      onStrays: (s) => told.push(s),
    });
    for (let i = 0; i < 2; i++) expect((await db.sql("FROM t")).rows).toEqual([{ n: 2, y: 1 }]);
    expect(told).toEqual([{ entity: "raw/t", keys }]);
    expect(await storage.readIndex("raw/t")).toHaveLength(1);
  });

  it("says so where a compressed CSV file is damaged", async () => {
    await using storage = await open();
    await put(storage, "raw/t/y=1/a.csv.gz", gzipSync("n\n1\n").subarray(0, 12));
    await expect(storage.readIndex("raw/t")).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringMatching(/a\.csv\.gz .*cannot be unpacked/),
    });
    await using db = await openQuery(storage, { cacheDirectory: join(folder, "c") });
    await expect(db.sql("FROM t")).rejects.toMatchObject({ code: "corrupt" });
    expect((await storage.inspect("raw/t")).unreadable).toMatchObject([{ code: "corrupt" }]);
  });

  it("reports files without data as obstacles, and never files that engines ignore", async () => {
    await using storage = await open();
    await put(storage, "raw/t/y=1/a.parquet", parquet);
    for (const name of ["_SUCCESS", "._a.parquet", ".a.parquet.crc", "_notes.txt"])
      await put(storage, `raw/t/y=1/${name}`, text("x"));
    await put(storage, "raw/t/_delta_log/0.json", text("x"));
    for (const name of ["README.md", "y=1/notes.txt", "y=1/manifest.json", "y=1/a.parquet.tmp"])
      await put(storage, `raw/t/${name}`, text(name.endsWith("json") ? '{"rows":1}' : "x"));
    const { strays, obstacles } = await storage.inspect("raw/t");
    expect(strays).toEqual([]);
    expect(obstacles).toEqual([
      "raw/t/README.md",
      "raw/t/y=1/a.parquet.tmp",
      "raw/t/y=1/manifest.json",
      "raw/t/y=1/notes.txt",
    ]);
  });
});
