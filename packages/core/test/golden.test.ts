import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, sep } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listObjects } from "../src/backend.ts";
import { createMemoryBackend, parseKey, partition, type Row, Storage } from "../src/index.ts";

const TEAMS: readonly (string | null)[] = [
  "Texas A&M",
  "Hawai'i",
  "Miami (OH)",
  "San José State",
  "100% = a/b",
  "a+b c",
  null,
];

/** Every file of a tree in `golden/`, also those that hold no rows, such as Spark's `_SUCCESS` and `.crc` files. */
async function load(name: string): Promise<Storage> {
  const storage = new Storage(createMemoryBackend());
  const folder = join(import.meta.dirname, "golden", name);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const path = file
      .slice(folder.length + 1)
      .split(sep)
      .join("/");
    await storage.backend.put(parseKey(`raw/golden/${path}`), await readFile(file));
  }
  return storage;
}

const VALUES: Row = {
  small: -5,
  price: -1234.56,
  exact: "12345678901234567890.123456789",
  day: new Date("2024-02-29T00:00:00Z"),
  whole: new Date("2024-09-01T12:30:00Z"),
  fine: "1969-12-31T23:59:59.123456Z",
  text: "é\u0000\u{1f3c8}",
  nothing: null,
  scores: [7, null, 14],
  prices: [0.1, null],
  raw: new Uint8Array([0xff, 0]),
  half: 1.5,
};
const ARROW: Row = {
  unsigned: 2n ** 64n - 1n,
  clock: "23:59:59.000001",
  coach: { name: "Mike", at: "01:02:03" },
};
const FRAMES: Row = {
  coach: { name: "Mike", since: 2n ** 53n + 1n },
  huge: Number.NaN,
  "win.prob": true,
};

describe.each<[string, Row]>([
  ["pyarrow", ARROW],
  ["duckdb", { ...ARROW, uuid: "0a0b0c0d-0000-1111-2222-333333333333" }],
  [
    "spark",
    {
      ...FRAMES,
      bowls: [
        { key: "a.b", value: null },
        { key: "Rose", value: "won" },
      ],
    },
  ],
  // pandas takes NaN for NULL.
  ["pandas", { ...FRAMES, huge: null }],
  // Polars gives every DECIMAL 38 digits, which a number cannot hold.
  ["polars", { ...FRAMES, price: "-1234.56", prices: ["0.10", null] }],
])("the tree that %s wrote with its default settings", (writer, extra) => {
  it("is read by value, partition by partition", async () => {
    const storage = await load(writer);
    for (const [id, team] of TEAMS.entries()) {
      expect(await storage.readIndex("raw/golden", { season: "2024", team })).toEqual([
        { id, ...VALUES, ...extra, season: "2024", team },
      ]);
    }
    expect(await storage.readIndex("raw/golden")).toHaveLength(TEAMS.length);
  });

  it("keeps its folders when its partitions are replaced", async () => {
    const storage = await load(writer);
    const folders = async (): Promise<Set<string>> =>
      new Set((await storage.listFiles()).map((file) => dirname(file)));
    const theirs = await folders();
    for (const team of TEAMS)
      await storage.write("raw/golden", [{ id: 99 }], partition({ season: 2024, team }));
    expect(await folders()).toEqual(theirs);
    expect((await storage.readIndex("raw/golden")).map(({ id }) => id)).toEqual(TEAMS.map(() => 99));
  });
});

/** Rows of every type that Parquetry writes. */
const ROWS: readonly Row[] = Array.from({ length: 500 }, (_, i) => ({
  id: i,
  big: 2n ** 62n + BigInt(i),
  half: i / 2,
  text: i % 3 === 0 ? null : `Hawai'i "${i}"`,
  flag: i % 2 === 0,
  time: new Date(Date.UTC(2024, 0, 1) + i * 1001),
  list: [i, null],
  struct: { a: i, b: "x" },
  bytes: new Uint8Array([i % 256, 0]),
  nothing: null,
}));

describe("a tree that Parquetry wrote", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parquetry-golden-"));
    const storage = new Storage(createMemoryBackend());
    for (const team of TEAMS) await storage.write("games", ROWS, partition({ season: 2024, team }));
    for await (const { key } of listObjects(storage.backend)) {
      const file = join(folder, ...key.split("/"));
      await mkdir(dirname(file), { recursive: true });
      const { body } = await storage.backend.get(key);
      await writeFile(file, await body.bytes());
    }
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("is read by DuckDB by count and by value, in every time zone", async () => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run("SET TimeZone = 'Pacific/Honolulu'");
    const reader = await connection.runAndReadAll(
      `SELECT team, count(*)::INT, count(DISTINCT id)::INT, sum(big)::VARCHAR, sum(half), count(text)::INT, sum(flag::INT)::INT,
         epoch_ms(max(time))::VARCHAR, sum(list[1])::INT, sum(struct.a)::INT, sum(octet_length(bytes))::INT,
         any_value(text ORDER BY id)
       FROM read_parquet('${folder}/games/**/*.parquet', hive_partitioning = true) GROUP BY team ORDER BY team NULLS LAST`,
    );
    const sum = (500 * 499) / 2;
    const same = [
      500,
      500,
      String(2n ** 62n * 500n + BigInt(sum)),
      sum / 2,
      333,
      250,
      String(Date.UTC(2024, 0, 1) + 499 * 1001),
      sum,
      sum,
      1000,
      `Hawai'i "1"`,
    ];
    const teams = TEAMS.filter((team) => team !== null).sort((a, b) =>
      Buffer.from(a) < Buffer.from(b) ? -1 : 1,
    );
    expect(reader.getRowsJS().map((row) => row.slice(1))).toEqual(TEAMS.map(() => same));
    expect(new Set(reader.getRowsJS().map(([team]) => team))).toEqual(new Set([...teams, null]));
    connection.closeSync();
  });
});
