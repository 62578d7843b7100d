import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

let cacheDirectory: string;
let db: QueryDatabase;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-nan-"));
  const root = fileURLToPath(new URL("golden", import.meta.url));
  db = await openQuery(new Storage(await createLocalBackend({ root })), { cacheDirectory });
});

afterAll(async () => {
  await db?.close();
  await rm(cacheDirectory, { recursive: true, force: true });
});

const keys = async (sql: string): Promise<unknown[]> => (await db.sql(sql)).rows.map(({ k }) => k);

describe("rows with NaN in files whose footers leave NaN out", () => {
  it.each([
    ["v > 4", [3]],
    ["v >= 4", [3]],
    ["4 < v", [3]],
    ["v = 'NaN'::DOUBLE", [3]],
    ["v IN ('NaN'::DOUBLE, 77)", [3]],
    ["NOT (v <= 3)", [3]],
    ["v <> 1.5 AND v <> 3", [3]],
    ["v NOT BETWEEN 1 AND 3", [3]],
    ["v NOT IN (1.5, 3)", [3]],
    ["v IS DISTINCT FROM 1.5 AND v > 1", [2, 3]],
    ["isnan(v)", [3]],
    ["v > 4 OR k = 1", [1, 3]],
    ["f > 4", [3]],
    ["h > 4", [3]],
    ["v::FLOAT > 4", [3]],
    ["s.x > 4", [3]],
    ["s.n.y > 4", [3]],
    ["struct_extract(s, 'x') > 4", [3]],
    ["l[1] > 4", [3]],
    ["ls[1].x > 4", [3]],
    ["m['a'] > 4", [3]],
    ["list_max(l) > 4", [3]],
  ])("are selected by %s", async (condition, expected) => {
    expect(await keys(`SELECT k FROM nan WHERE y = 1 AND (${condition}) ORDER BY k`)).toEqual(expected);
  });

  it.each<[string, unknown[]]>([
    ["SELECT k FROM nan WHERE y = 2 ORDER BY v DESC LIMIT 1", [8]],
    ["SELECT max(v) AS k FROM nan WHERE y = 2", [Number.NaN]],
    ["SELECT k FROM nan WHERE v >= (SELECT max(v) FROM nan) ORDER BY k", [3, 8]],
    ["SELECT a.k FROM nan a JOIN nan b ON a.v = b.v AND b.k = 8 WHERE a.v > 20 ORDER BY a.k", [3, 8]],
    [
      "SELECT k FROM (SELECT * FROM nan UNION ALL SELECT * FROM nan) WHERE v > 20 GROUP BY k ORDER BY k",
      [3, 8],
    ],
    ["SELECT count(*) AS k FROM drift WHERE v > 4", [2]],
    ["SELECT count(*) FILTER (v > 20) AS k FROM nan", [2]],
  ])("count in %s", async (sql, expected) => expect(await keys(sql)).toEqual(expected));

  it("are selected in tables that Parquetry wrote", async () => {
    const root = await mkdtemp(join(tmpdir(), "parquetry-nan-own-"));
    const storage = new Storage(await createLocalBackend({ root }));
    const rows = [
      { k: 1, v: 1.5 },
      { k: 2, v: Number.NaN },
      { k: 3, v: -0 },
    ];
    await storage.write("own", rows, partition({ y: 1 }));
    await using own = await openQuery(storage, { cacheDirectory });
    expect((await own.sql("SELECT k FROM own WHERE v > 4")).rows).toEqual([{ k: 2 }]);
    expect((await own.sql("SELECT v FROM own ORDER BY k")).rows).toEqual(rows.map(({ v }) => ({ v })));
    await rm(root, { recursive: true, force: true });
  });
});
