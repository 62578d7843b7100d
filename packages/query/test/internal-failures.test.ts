import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { isStorageError, partition, Storage } from "@parquetry/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type OpenQueryOptions, openQuery, type QueryDatabase } from "../src/index.ts";
import {
  ENCRYPTED_COLUMN_FILE,
  NEGATIVE_SCALE_FILE,
  PLAIN_FILE,
  WIDE_DECIMAL_FILE,
} from "./unusual-parquet.ts";

/** Files at which DuckDB 1.5.5 fails internally: it then refuses every later statement of the same database. */
const FATAL_FILES = {
  "an encrypted column": [ENCRYPTED_COLUMN_FILE, "not_supported"],
  "a DECIMAL of 245 digits": [WIDE_DECIMAL_FILE, "corrupt"],
  "a DECIMAL with a negative scale": [NEGATIVE_SCALE_FILE, "corrupt"],
} as const;

let root: string;
let storage: Storage;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-internal-"));
  storage = new Storage(await createLocalBackend({ root }));
  await storage.write("good", [{ n: 1 }], partition({ y: 1 }));
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(join(root, path, ".."), { recursive: true });
  await writeFile(join(root, path), bytes);
}

/** One file in each of the years 2001 to 2009; the one of 2005 is `bytes`. */
async function putYears(bytes: Uint8Array): Promise<void> {
  for (let year = 2001; year <= 2009; year++)
    await put(`mixed/year=${year}/a.parquet`, year === 2005 ? bytes : PLAIN_FILE);
}

const open = (options: OpenQueryOptions = {}): Promise<QueryDatabase> =>
  openQuery(storage, { cacheDirectory: join(root, ".cache"), ...options });
const failure = (db: QueryDatabase, sql: string): Promise<unknown> =>
  db.sql(sql).then(
    () => "no error",
    (error: unknown) => error,
  );

describe.each([false, true])("isolate: %s", (isolate) => {
  it.each(Object.entries(FATAL_FILES))(
    "names a file with %s and answers the next query",
    async (_, [bytes, code]) => {
      await put("bad/a.parquet", bytes);
      await putYears(bytes);
      await using db = await open({ isolate });
      for (let round = 0; round < 2; round++) {
        expect((await db.sql("SELECT n FROM good")).rows).toEqual([{ n: 1 }]);
        expect(await failure(db, "SELECT * FROM bad")).toMatchObject({ code, path: "bad/a.parquet" });
        expect((await db.sql("SELECT n FROM good")).rows).toEqual([{ n: 1 }]);
        expect(await failure(db, "SELECT sum(a) FROM mixed")).toMatchObject({
          code,
          path: "mixed/year=2005/a.parquet",
        });
        const others = await db.sql("SELECT count(a) AS n FROM mixed WHERE year <> 2005");
        expect(others.rows).toEqual([{ n: 8 }]);
      }
    },
  );
});

it("answers queries that run while another one fails internally", async () => {
  await putYears(ENCRYPTED_COLUMN_FILE);
  await using db = await open();
  const bad = Array.from({ length: 4 }, () => failure(db, "SELECT sum(a) FROM mixed"));
  const good = Array.from({ length: 12 }, async (_, i) => {
    const { rows } = await db.sql(`SELECT max(n) + ${i} AS n FROM good, range(${i} * 100000)`);
    return rows[0]?.["n"];
  });
  for (const error of await Promise.all(bad)) {
    expect(error).toMatchObject({ code: "not_supported", path: "mixed/year=2005/a.parquet" });
  }
  expect((await Promise.all(good)).slice(1)).toEqual(Array.from({ length: 11 }, (_, i) => i + 2));
});

it("keeps a result readable that was opened before an internal failure", async () => {
  await put("bad/a.parquet", WIDE_DECIMAL_FILE);
  await using db = await open();
  await using cursor = await db.open("SELECT range AS n FROM range(10000)");
  expect(isStorageError(await failure(db, "SELECT * FROM bad"), "corrupt")).toBe(true);
  let rows = 0;
  for await (const batch of cursor) rows += batch.length;
  expect(rows).toBe(10_000);
});

it("compacts the other partitions when one has a file at which DuckDB fails internally", async () => {
  for (const year of [2001, 2002, 2003, 2004]) {
    await put(`mixed/year=${year}/a.parquet`, PLAIN_FILE);
    await put(`mixed/year=${year}/b.parquet`, year === 2002 ? ENCRYPTED_COLUMN_FILE : PLAIN_FILE);
  }
  await using db = await open();
  const { compacted, failed } = await db.compact("mixed");
  expect(compacted.map(({ rows }) => rows)).toEqual([2, 2, 2]);
  expect(failed).toMatchObject([
    { partition: "year=2002", error: { code: "not_supported", path: "mixed/year=2002/b.parquet" } },
  ]);
});
