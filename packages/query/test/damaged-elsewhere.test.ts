import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, Storage } from "@parquetry/core";
import { MANIFEST_NAME } from "@parquetry/core/unstable/tables";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";
import { ENCRYPTED_COLUMN_FILE, WIDE_DECIMAL_FILE } from "./unusual-parquet.ts";

let root: string;
let storage: Storage;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-elsewhere-"));
  storage = new Storage(await createLocalBackend({ root }));
  for (const year of [2020, 2021, 2022, 2023, 2024]) {
    await storage.write("plays", [{ yards: year % 100, team: "Army" }], partition({ year }));
  }
});

afterEach(() => rm(root, { recursive: true, force: true }));

const open = (): Promise<QueryDatabase> => openQuery(storage, { cacheDirectory: join(root, ".cache") });
const dataFile = async (year: number): Promise<string> => {
  const folder = join(root, `plays/year=${year}`);
  const [name = ""] = (await readdir(folder)).filter((entry) => entry.endsWith(".parquet"));
  return join(folder, name);
};

const DAMAGE: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  "has no bytes": () => new Uint8Array(),
  "is cut in half": (bytes) => bytes.subarray(0, bytes.length / 2),
  "is text": () => Buffer.from("<html>503 Slow Down</html>"),
  "is zeros": (bytes) => new Uint8Array(bytes.length),
  "has a damaged footer": (bytes) => bytes.map((byte, i) => (i > bytes.length - 60 ? byte ^ 0x55 : byte)),
  "has an encrypted column": () => ENCRYPTED_COLUMN_FILE,
  "makes DuckDB fail internally": () => WIDE_DECIMAL_FILE,
};

it.each(Object.entries(DAMAGE))("answers from other partitions when a file %s", async (_, damage) => {
  for (const year of [2020, 2024]) {
    const file = await dataFile(year);
    const good = await readFile(file);
    await writeFile(file, damage(good));
    await using db = await open();
    const { rows } = await db.sql(
      "SELECT sum(yards) AS yards, max(team) AS team FROM plays WHERE year = 2022",
    );
    expect(rows).toEqual([{ yards: 22, team: "Army" }]);
    await expect(db.sql("FROM plays")).rejects.toMatchObject({
      code: expect.stringMatching(/^(corrupt|not_supported)$/),
      path: expect.stringContaining(`plays/year=${year}/`),
    });
    expect((await db.explain("FROM plays WHERE year = 2021")).tables[0]?.files).toBe(1);
    await writeFile(file, good);
  }
});

it.each(["", "{", "[]", '{"files": 5}'])(
  "answers from other partitions when a manifest is %j",
  async (text) => {
    await writeFile(join(root, "plays/year=2024", MANIFEST_NAME), text);
    await using db = await open();
    expect((await db.sql("SELECT yards FROM plays WHERE year = 2023")).rows).toEqual([{ yards: 23 }]);
    await expect(db.sql("SELECT max(yards) FROM plays")).rejects.toMatchObject({
      code: "corrupt",
      path: `plays/year=2024/${MANIFEST_NAME}`,
    });
  },
);

it("answers from other partitions when a file that a manifest lists is gone", async () => {
  await rm(await dataFile(2024));
  await using db = await open();
  expect((await db.sql("SELECT yards FROM plays WHERE year = 2020")).rows).toEqual([{ yards: 20 }]);
  await expect(db.sql("SELECT max(yards) FROM plays")).rejects.toMatchObject({ code: "not_found" });
});

it("answers from the only partition that is not damaged", async () => {
  for (const year of [2020, 2021, 2023, 2024]) await writeFile(await dataFile(year), "");
  await using db = await open();
  expect((await db.sql("SELECT yards, team FROM plays WHERE year = 2022")).rows).toEqual([
    { yards: 22, team: "Army" },
  ]);
  await writeFile(await dataFile(2022), "");
  db.refresh();
  await expect(db.sql("SELECT yards FROM plays WHERE year = 2022")).rejects.toMatchObject({
    code: "corrupt",
  });
});

it("answers from other partitions when a CSV file cannot be read", async () => {
  for (const year of [2022, 2023, 2024]) {
    await mkdir(join(root, `csv/year=${year}`), { recursive: true });
    await writeFile(
      join(root, `csv/year=${year}/a.csv`),
      year === 2024 ? 'yards,team\n1,"Army\n' : "yards\n7\n",
    );
  }
  await using db = await open();
  expect((await db.sql("SELECT yards FROM csv WHERE year = 2022")).rows).toEqual([{ yards: 7 }]);
  await expect(db.sql("SELECT yards FROM csv")).rejects.toMatchObject({ path: "csv/year=2024/a.csv" });
});

it.each(Object.entries(DAMAGE))(
  "describes a table, and returns a few rows of it, when a later file %s",
  async (_, damage) => {
    const file = await dataFile(2022);
    await writeFile(file, damage(await readFile(file)));
    await using db = await open();
    const { columns, unreadable } = await db.describe("plays");
    expect(columns.map(({ name }) => name)).toEqual(expect.arrayContaining(["yards", "team"]));
    // Footers are enough, and those of the last two can be read.
    if (damage !== DAMAGE["has an encrypted column"] && damage !== DAMAGE["makes DuckDB fail internally"])
      expect(unreadable).toMatchObject([
        { path: expect.stringContaining("plays/year=2022/"), error: { name: "StorageError" } },
      ]);
    expect((await db.sql("FROM plays LIMIT 1")).rows).toEqual([{ yards: 20, team: "Army", year: 2020 }]);
    expect((await db.sql("SELECT yards FROM plays LIMIT 2")).rows).toHaveLength(2);
    await expect(db.sql("FROM plays LIMIT 4")).rejects.toMatchObject({
      path: expect.stringContaining("year=2022"),
    });
  },
);

it("describes a table when a manifest is damaged, and reports it", async () => {
  await writeFile(join(root, "plays/year=2022", MANIFEST_NAME), "{");
  await using db = await open();
  const { columns, unreadable } = await db.describe("plays");
  expect([columns.length, unreadable]).toMatchObject([2, [{ path: `plays/year=2022/${MANIFEST_NAME}` }]]);
});
