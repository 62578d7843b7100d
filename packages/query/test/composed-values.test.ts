import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

/** Composed, decomposed, and letters that the composed form spells in another way. */
const SPELLINGS: readonly (readonly [string, string])[] = [
  ["\u00e9", "e\u0301"],
  ["San Jos\u00e9 State", "San Jose\u0301 State"],
  ["\u00c5", "\u212b"],
  ["\ud55c", "\u1112\u1161\u11ab"],
  ["\u0915\u093c", "\u0958"],
];
const FOLDERS = SPELLINGS.flatMap(([composed, other], i) => [
  [`a${i}`, composed, other] as const,
  [`b${i}`, other, composed] as const,
]);

let root: string;
let storage: Storage;
let db: QueryDatabase;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-composed-"));
  storage = new Storage(await createLocalBackend({ root }));
  db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
  for (const [entity, value] of FOLDERS) {
    await storage.write(entity, [{ n: 1, text: value }], partition({ year: 1, y: value }));
    await storage.write(entity, [{ n: 2, text: "x" }], partition({ year: 1, y: "x" }));
  }
});

afterAll(async () => {
  await db?.close();
  await rm(root, { recursive: true, force: true });
});

describe.each(FOLDERS)("of the folder %s with the value %j, asked for as %j,", (entity, value, other) => {
  it.each([
    "y = $other",
    "y IN ($other, 'z')",
    "y IN (SELECT unnest($list))",
    "NOT y <> $other",
    "year = 1 AND y = $other",
    "y = 'none' OR y = $other",
    "y BETWEEN $other AND $other",
  ])("SQL returns what readIndex returns: %s", async (condition) => {
    const parameters = { other, list: [other] };
    const given = Object.fromEntries(
      Object.entries(parameters).filter(([name]) => condition.includes(`$${name}`)),
    );
    const { rows } = await db.sql(`SELECT n, year, y FROM ${entity} WHERE ${condition}`, given);
    expect(rows).toEqual([{ n: 1, year: 1, y: value }]);
    const [read, ...more] = await storage.readIndex(entity, { y: other }, { columns: ["n"] });
    expect([read, more]).toEqual([{ n: 1, year: "1", y: value }, []]);
  });

  it("SQL prunes the other partition", async () => {
    const { tables } = await db.explain(`SELECT n FROM ${entity} WHERE y = $other`, { other });
    expect(tables).toMatchObject([{ partitions: 1 }]);
    const cte = await db.explain(`WITH t AS (FROM ${entity}) SELECT n FROM t WHERE y = $other`, { other });
    expect(cte.tables).toMatchObject([{ partitions: 1 }]);
  });

  it("SQL joins and groups", async () => {
    const { rows } = await db.sql(`SELECT n FROM ${entity} JOIN (SELECT $other AS z) ON z = y`, { other });
    expect(rows).toEqual([{ n: 1 }]);
    expect(
      (await db.sql(`SELECT y, count(*) AS n FROM ${entity} GROUP BY y ORDER BY n, y`)).rows,
    ).toHaveLength(2);
  });

  it("write and compact meet that folder, and compact selects it", async () => {
    const before = await readdir(join(root, entity, "year=1"));
    await storage.write(entity, [{ n: 3, text: "y" }], partition({ year: 1, y: other }), {
      overwrite: false,
    });
    const { compacted, failed } = await db.compact(entity, { where: { y: other } });
    expect([compacted.map(({ rows }) => rows), failed]).toEqual([[2], []]);
    expect(await readdir(join(root, entity, "year=1"))).toEqual(before);
    expect(await storage.readIndex(entity, { y: value })).toHaveLength(2);
  });
});

it("returns columns of files, and compares them, as they are", async () => {
  const [[composed, decomposed] = ["", ""]] = SPELLINGS;
  await storage.write("texts", [{ t: decomposed }], partition({ y: 1 }));
  expect((await db.sql("SELECT t FROM texts WHERE t = $t", { t: composed })).rows).toEqual([]);
  expect((await db.sql("SELECT t FROM texts WHERE t = $t", { t: decomposed })).rows).toEqual([
    { t: decomposed },
  ]);
});
