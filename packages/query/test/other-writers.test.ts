import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { type Row, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

/** The trees that other programs wrote with their default settings; `make-*` there are the programs. */
const GOLDEN = join(import.meta.dirname, "..", "..", "core", "test", "golden");
const WRITERS = ["pyarrow", "duckdb", "spark", "pandas", "polars"];
const TEAMS = ["Texas A&M", "Hawai'i", "Miami (OH)", "San José State", "100% = a/b", "a+b c", null];

let folder: string;
let db: QueryDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-writers-"));
  for (const writer of WRITERS)
    await cp(join(GOLDEN, writer), join(folder, "data", "raw", writer), { recursive: true });
  const storage = new Storage(await createLocalBackend({ root: join(folder, "data") }));
  db = await openQuery(storage, { cacheDirectory: join(folder, "cache") });
});

afterAll(async () => {
  await db?.close();
  await rm(folder, { recursive: true, force: true });
});

const VALUES: Row = {
  small: -5,
  price: -1234.56,
  exact: "12345678901234567890.123456789",
  day: new Date("2024-02-29T00:00:00Z"),
  whole: new Date("2024-09-01T12:30:00Z"),
  fine: "1969-12-31 23:59:59.123456",
  text: "é\u0000\u{1f3c8}",
  nothing: null,
  scores: [7, null, 14],
  raw: new Uint8Array([0xff, 0]),
  half: 1.5,
};

describe.each(WRITERS)("the tree that %s wrote with its default settings", (writer) => {
  it("is read by SQL by value, for each value of a key", async () => {
    const columns = Object.keys(VALUES).map((name) =>
      name === "fine" ? "fine::VARCHAR AS fine" : `"${name}"`,
    );
    for (const [id, team] of TEAMS.entries()) {
      const { rows } = await db.sql(
        `SELECT id, ${columns.join(", ")}, season, team FROM ${writer} WHERE team IS NOT DISTINCT FROM ?`,
        [team],
      );
      // Polars writes 38 digits, which a number cannot hold.
      const price = writer === "polars" ? "-1234.56" : VALUES["price"];
      expect(rows).toEqual([{ id, ...VALUES, price, season: 2024, team }]);
    }
    expect((await db.sql(`SELECT count(*) AS n FROM ${writer} WHERE season = 2024`)).rows).toEqual([
      { n: 7 },
    ]);
  });
});

it("reads a map of Spark, and columns with a dot in their name", async () => {
  const { rows } = await db.sql(`SELECT bowls, "win.prob", isnan(huge) AS n FROM spark WHERE id = 0`);
  const bowls = [
    { key: "a.b", value: null },
    { key: "Rose", value: "won" },
  ];
  expect(rows).toEqual([{ bowls, "win.prob": true, n: true }]);
});
