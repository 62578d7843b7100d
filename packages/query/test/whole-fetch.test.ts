import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createMemoryBackend, parseKey, Storage, type StorageBackend } from "@parquetry/core";
import type { GetOptions } from "@parquetry/core/backend";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openQuery } from "../src/index.ts";

const KEY = parseKey("raw/plays/year=2024/a.parquet");
const SQL = "SELECT count(*)::INTEGER AS n, bit_xor(hash(plays)) AS h FROM plays";
let root: string;
let bytes: Uint8Array;
let backend: StorageBackend;
let caches = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-whole-"));
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const path = join(root, "a.parquet");
  await connection.run(
    `COPY (SELECT range AS id, hash(range) AS a, hash(range + 1) AS b FROM range(1_400_000)) TO '${path}' (COMPRESSION uncompressed)`,
  );
  connection.closeSync();
  instance.closeSync();
  bytes = await readFile(path);
  // More than two ranges, the last of which is not whole.
  expect(bytes.byteLength).toBeGreaterThan(20 * 1024 * 1024);
  backend = createMemoryBackend();
  await backend.put(KEY, bytes);
}, 60_000);

afterAll(() => rm(root, { recursive: true, force: true }));

/** The store, with what a test changes; lists the object with this MD5. */
function store(get: StorageBackend["get"], md5: string | undefined): StorageBackend {
  return {
    ...backend,
    get,
    async *list(options) {
      for await (const page of backend.list(options)) {
        yield { ...page, objects: page.objects.map((info) => ({ ...info, md5 })) };
      }
    },
  };
}

async function ask(changed: StorageBackend): Promise<unknown> {
  await using db = await openQuery(new Storage(changed), { cacheDirectory: join(root, `cache-${++caches}`) });
  const { rows, stats } = await db.sql(SQL, [], { timestamps: "text" });
  expect(stats.fetchedBytes).toBe(bytes.byteLength);
  expect(stats.fetchedFiles).toBe(1);
  return rows;
}

const md5Of = (content: Uint8Array): string => createHash("md5").update(content).digest("hex");

it("fetches a large object as ranges that make up the same file", async () => {
  const ranges: GetOptions["range"][] = [];
  const get: StorageBackend["get"] = (key, options) => {
    ranges.push(options?.range);
    return backend.get(key, options);
  };
  const local = await DuckDBInstance.create(":memory:");
  const connection = await local.connect();
  const oracle = await connection.runAndReadAll(
    `SELECT count(*)::INTEGER, bit_xor(hash(plays)) FROM (SELECT *, 2024::BIGINT AS year FROM '${join(root, "a.parquet")}') plays`,
  );
  const [[n, h] = []] = oracle.getRows();
  connection.closeSync();
  local.closeSync();
  for (const md5 of [undefined, md5Of(bytes)]) expect(await ask(store(get, md5))).toEqual([{ n, h }]);
  expect(ranges.filter((range) => range !== undefined && "start" in range).length).toBeGreaterThanOrEqual(6);
}, 60_000);

it("refuses one that was damaged, cut off or replaced on the way", async () => {
  await expect(ask(store(backend.get, md5Of(randomBytes(9))))).rejects.toThrow(/damaged on the way/);
  const cut: StorageBackend["get"] = async (key, options = {}) => {
    const { range } = options;
    if (range === undefined || !("start" in range) || range.start === 0) return backend.get(key, options);
    return backend.get(key, { ...options, range: { start: range.start, end: (range.end ?? 0) - 1 } });
  };
  await expect(ask(store(cut, undefined))).rejects.toThrow(/was truncated/);
  let replaced = 0;
  const replacing: StorageBackend["get"] = async (key, options = {}) => {
    const { range } = options;
    if (range !== undefined && "start" in range && range.start > 0 && replaced++ === 0) {
      await backend.put(KEY, bytes);
    }
    return backend.get(key, options);
  };
  // The query is planned again, and reads the new version alone.
  await using db = await openQuery(new Storage(store(replacing, undefined)), {
    cacheDirectory: join(root, `cache-${++caches}`),
  });
  expect((await db.sql("SELECT count(*)::INTEGER AS n FROM (SELECT DISTINCT * FROM plays)")).rows).toEqual([
    { n: 1_400_000 },
  ]);
  expect(replaced).toBeGreaterThan(1);
}, 60_000);
