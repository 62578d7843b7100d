import { readdir, readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { describe, expect, it } from "vitest";
import { createMemoryBackend, Partition, parseKey, type Row, Storage } from "../src/index.ts";

const TEAMS = ["Texas A&M", "Hawai'i", "Miami (OH)", "San José State", "100% = a/b", "a+b c", null];

/** Every file of a tree in `golden/`, also those that hold no rows, such as Spark's `_SUCCESS` and `.crc` files. */
async function load(name: string): Promise<Storage> {
  const storage = new Storage(createMemoryBackend());
  const folder = join(import.meta.dirname, "golden", name);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const key = parseKey(
      `raw/golden/${file
        .slice(folder.length + 1)
        .split(sep)
        .join("/")}`,
    );
    await storage.backend.put(key, await readFile(file));
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
  coach: { name: "Mike", since: 2n ** 53n + 1n },
  raw: new Uint8Array([0xff, 0]),
  half: 1.5,
  huge: Number.NaN,
  "win.prob": true,
};

describe.each<[string, Row]>([
  [
    "spark",
    {
      bowls: [
        { key: "a.b", value: null },
        { key: "Rose", value: "won" },
      ],
    },
  ],
  // pandas takes NaN for NULL.
  ["pandas", { huge: null }],
  // Polars gives every DECIMAL 38 digits, which a number cannot hold.
  ["polars", { price: "-1234.56", prices: ["0.10", null] }],
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

  it("keeps its folders when a partition is replaced", async () => {
    const storage = await load(writer);
    for (const team of TEAMS) {
      const partition = Partition.of([
        ["season", "2024"],
        ["team", team],
      ]);
      await storage.write("raw/golden", [{ id: 99 }], partition);
    }
    expect((await storage.readIndex("raw/golden")).map(({ id }) => id)).toEqual(TEAMS.map(() => 99));
  });
});
