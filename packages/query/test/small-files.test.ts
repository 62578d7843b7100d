import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import {
  createMemoryBackend,
  type PartitionValue,
  parseKey,
  Storage,
  type StorageBackend,
} from "@parquetry/core";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

// More than 256 small files are joined for a query (docs/decisions/0040).
const YEARS = [2021, 2022, null];
const GAMES = 100;

let folder: string;
let db: QueryDatabase;
const before = process.env["TMPDIR"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-small-"));
  process.env["TMPDIR"] = join(folder, "temporary");
  await mkdir(process.env["TMPDIR"]);
});

afterAll(async () => {
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  await rm(folder, { recursive: true, force: true });
});

/** The joined files of the open databases. */
async function joinedFiles(): Promise<readonly string[]> {
  const names = await readdir(join(folder, "temporary"), { recursive: true });
  return names.filter((name) => /\/joined\/.*\.parquet$/.test(name)).sort();
}

const game = (year: number | null, i: number): { yards: number; team: string }[] =>
  Array.from({ length: 1 + (i % 3) }, (_, row) => ({
    yards: (year ?? 0) * 1000 + i * 10 + row,
    team: `t${i % 7}`,
  }));

const pathOf = (year: number | null, i: number): string =>
  `raw/plays/year=${year ?? "__HIVE_DEFAULT_PARTITION__"}/week=${1 + Math.floor(i / 20)}/game=${1000 + i}/a.parquet`;

async function fill(backend: StorageBackend): Promise<void> {
  const schema = [
    { name: "yards", type: "int64" },
    { name: "team", type: "string" },
  ] as const;
  for (const year of YEARS) {
    for (let i = 0; i < GAMES; i++) {
      await backend.put(parseKey(pathOf(year, i)), await encodeParquet(game(year, i), schema));
    }
  }
}

/** The rows of the files in the order of their paths. */
const ALL = [2021, 2022, null].flatMap((year) =>
  Array.from({ length: GAMES }, (_, i) =>
    game(year, i).map((row) => ({ ...row, year, week: 1 + Math.floor(i / 20), game: 1000 + i })),
  ).flat(),
);
type Play = (typeof ALL)[number];

const sumBy = (keyOf: (play: Play) => PartitionValue): [PartitionValue, number][] => {
  const sums = new Map<PartitionValue, number>();
  for (const play of ALL) sums.set(keyOf(play), (sums.get(keyOf(play)) ?? 0) + play.yards);
  return [...sums];
};

describe.each(["local", "memory"])("300 small files in a %s store", (store) => {
  let root: string;
  let storage: Storage;
  beforeEach(async () => {
    root = await mkdtemp(join(folder, "data-"));
    storage = new Storage(store === "local" ? await createLocalBackend({ root }) : createMemoryBackend());
    await fill(storage.backend);
    db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
  });
  afterEach(async () => {
    await db.close();
    await storage.close();
  });

  it("are joined for each partition that the query can tell apart, and read as if they were not", async () => {
    const yards = ALL.map((play) => play.yards);
    expect((await db.columns("SELECT yards FROM plays")).data["yards"]).toEqual(yards);
    expect(await joinedFiles()).toHaveLength(1);

    const byYear = await db.sql("SELECT year, sum(yards) AS s FROM plays GROUP BY year ORDER BY year");
    expect(byYear.rows.map(({ year, s }) => [year, s])).toEqual(sumBy(({ year }) => year));
    expect(await joinedFiles()).toHaveLength(1 + 3);

    const byWeek = await db.sql("SELECT year, week, sum(yards) AS s FROM plays GROUP BY ALL ORDER BY ALL");
    expect(byWeek.rows.map(({ s }) => s)).toEqual(
      sumBy(({ year, week }) => `${year} ${week}`).map(([, sum]) => sum),
    );
    expect(await joinedFiles()).toHaveLength(1 + 3 + 15);

    const { rows } = await db.sql("SELECT year, yards FROM plays WHERE team = 't3' AND year IS NULL");
    expect(rows).toEqual(
      ALL.filter(({ team, year }) => team === "t3" && year === null).map(({ year, yards }) => ({
        year,
        yards,
      })),
    );
    // One year has too few files, and games cannot be joined.
    await db.sql("SELECT game, sum(yards) FROM plays GROUP BY game");
    expect(await joinedFiles()).toHaveLength(1 + 3 + 15);
  });

  it("are joined once for the queries that read the same versions of them", async () => {
    const sum = async (): Promise<unknown> =>
      (await db.sql("SELECT sum(yards) AS s, count(*) AS n FROM plays")).rows[0];
    const expected = { s: ALL.reduce((total, { yards }) => total + yards, 0), n: ALL.length };
    expect(await sum()).toEqual(expected);
    expect(await sum()).toEqual(expected);
    expect(await joinedFiles()).toHaveLength(1);
    await storage.backend.put(
      parseKey(pathOf(2022, 50)),
      await encodeParquet(
        [{ yards: 5, team: "t" }],
        [
          { name: "yards", type: "int64" },
          { name: "team", type: "string" },
        ],
      ),
    );
    const lost = game(2022, 50);
    expect(await sum()).toEqual({
      s: expected.s - lost.reduce((total, { yards }) => total + yards, 0) + 5,
      n: expected.n - lost.length + 1,
    });
    expect(await joinedFiles()).toHaveLength(2);
  });

  it("are read in their order where one is large, and others have another writer, another type or no rows", async () => {
    const put = async (
      i: number,
      rows: readonly object[],
      columns: Parameters<typeof encodeParquet>[1],
    ): Promise<void> => {
      await storage.backend.put(parseKey(pathOf(2021, i)), await encodeParquet(rows as never, columns));
    };
    const large = Array.from({ length: 20_000 }, (_, i) => ({ yards: i * 7919, team: "large" }));
    await put(10, large, [
      { name: "yards", type: "int64" },
      { name: "team", type: "string" },
    ]);
    await put(
      11,
      [],
      [
        { name: "yards", type: "int64" },
        { name: "team", type: "string" },
      ],
    );
    await put(
      12,
      [{ team: "other", yards: 1 }],
      [
        { name: "team", type: "string" },
        { name: "yards", type: "int64" },
      ],
    );
    const expected = ALL.flatMap((play) => {
      if (play.year !== 2021 || play.game < 1010 || play.game > 1012) return [play.yards];
      if (play.yards % 10 !== 0) return [];
      return play.game === 1010 ? large.map(({ yards }) => yards) : play.game === 1011 ? [] : [1];
    });
    const { data } = await db.columns(
      "SELECT yards FROM plays WHERE year = 2021 OR week > 0 OR year IS NULL",
    );
    expect((data["yards"] as number[]).toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b));
    expect((await joinedFiles()).length).toBeGreaterThan(0);
    await put(
      12,
      [{ yards: 1.5, team: "double" }],
      [
        { name: "yards", type: "double" },
        { name: "team", type: "string" },
      ],
    );
    const { rows } = await db.sql("SELECT sum(yards) AS s, typeof(any_value(yards)) AS t FROM plays");
    expect(rows[0]).toEqual({ s: expected.reduce((total, one) => total + one, 0.5), t: "DOUBLE" });
  });

  it("name the damaged one among them, and are joined again when it is restored", async () => {
    const key = parseKey(pathOf(2022, 7));
    const good = await (await storage.backend.get(key)).body.bytes();
    const damaged = Uint8Array.from(good);
    damaged.fill(0xff, 4, 40);
    const query = async (): Promise<unknown> =>
      (await db.sql("SELECT count(team) AS n, sum(yards) AS s FROM plays")).rows[0];
    await storage.backend.put(key, damaged);
    await expect(query()).rejects.toMatchObject({
      code: "corrupt",
      path: key,
      message: expect.not.stringContaining("joined"),
    });
    await storage.backend.put(key, good.subarray(0, 50));
    await expect(query()).rejects.toMatchObject({ code: "corrupt", path: key });
    await storage.backend.put(key, good);
    expect(await query()).toEqual({ n: ALL.length, s: ALL.reduce((total, { yards }) => total + yards, 0) });
  });
});

it("leaves the files as they are", async () => {
  const root = await mkdtemp(join(folder, "data-"));
  const storage = new Storage(await createLocalBackend({ root }));
  await fill(storage.backend);
  const file = join(root, pathOf(2021, 3));
  const bytes = await readFile(file);
  db = await openQuery(storage, { isolate: false });
  await writeFile(join(root, "raw/plays/year=2021/notes.txt"), "not data");
  const [first, second] = await Promise.all([
    db.sql("SELECT year, count(*) AS n FROM plays GROUP BY year ORDER BY year"),
    db.sql("SELECT year, count(*) AS n FROM plays GROUP BY year ORDER BY year"),
  ]);
  expect(first.rows).toEqual(second.rows);
  expect(await readFile(file)).toEqual(bytes);
  await db.close();
  await storage.close();
  expect(await joinedFiles()).toEqual([]);
});

it("have the columns of the files where these have the names of partition keys that the query does not name", async () => {
  const root = await mkdtemp(join(folder, "data-"));
  const storage = new Storage(await createLocalBackend({ root }));
  const schema = [{ name: "Year", type: "int64" }] as const;
  for (let i = 0; i < 300; i++) {
    const key = parseKey(`t/week=${1 + Math.floor(i / 150)}/year=${2000 + i}/a.parquet`);
    await storage.backend.put(key, await encodeParquet([{ Year: i }], schema));
  }
  db = await openQuery(storage, { isolate: false });
  expect((await db.sql("SELECT week, sum(Year_1) AS s FROM t GROUP BY week ORDER BY week")).rows).toEqual([
    { week: 1, s: 11_175 },
    { week: 2, s: 33_675 },
  ]);
  expect(await joinedFiles()).toHaveLength(2);
  await db.close();
  await storage.close();
});

it("are joined where the temporary directory is in a folder with the name of a column", async () => {
  const root = await mkdtemp(join(folder, "data-"));
  const temporary = process.env["TMPDIR"];
  process.env["TMPDIR"] = join(folder, "temporary", "yards=5");
  await mkdir(process.env["TMPDIR"]);
  const storage = new Storage(await createLocalBackend({ root }));
  await fill(storage.backend);
  db = await openQuery(storage, { isolate: false });
  const { rows } = await db.sql("SELECT year, sum(yards) AS s FROM plays GROUP BY year ORDER BY year");
  expect(rows.map(({ year, s }) => [year, s])).toEqual(sumBy(({ year }) => year));
  expect(await joinedFiles()).toHaveLength(3);
  await db.close();
  await storage.close();
  process.env["TMPDIR"] = temporary;
});
