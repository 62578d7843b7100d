import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, Storage } from "@parquetry/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type CompactOptions, openQuery, type QueryDatabase } from "../src/index.ts";

/** Compacts, and kills itself before or after one of its puts. */
const PROGRAM = `
import { createLocalBackend } from "@parquetry/backend-local";
import { Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";
const { ROOT, KILL_AT, WHEN } = process.env;
const backend = await createLocalBackend({ root: ROOT + "/data" });
let puts = 0;
const kill = () => process.kill(process.pid, "SIGKILL");
const put = async (...args) => {
  const isLast = ++puts === Number(KILL_AT);
  if (isLast && WHEN === "before") kill();
  const result = await backend.put(...args);
  if (isLast && WHEN === "after") kill();
  return result;
};
const db = await openQuery(new Storage({ ...backend, put }), { cacheDirectory: ROOT + "/cache" });
await db.compact("raw/plays", JSON.parse(process.env.OPTIONS));
`;

let root: string;
let storage: Storage;
let db: QueryDatabase;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-killed-compact-"));
  await mkdir(join(root, "data"));
  storage = new Storage(await createLocalBackend({ root: join(root, "data") }));
  for (const year of [2023, 2024]) {
    for (const week of [1, 2]) await storage.write("raw/plays", [{ yards: week }], partition({ year, week }));
  }
  db = await openQuery(storage, { cacheDirectory: join(root, "cache") });
});

afterEach(async () => {
  await db.close();
  await rm(root, { recursive: true, force: true });
});

const into = { entity: "raw/by_year", keys: ["year"] };
const rowsOf = async (table: string): Promise<unknown> =>
  (await db.sql(`SELECT year, week, yards FROM "${table}" ORDER BY ALL`)).rows;

async function compactKilled(killAt: number, when: string, options: CompactOptions): Promise<void> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    cwd: join(import.meta.dirname, ".."),
    env: {
      ...process.env,
      ROOT: root,
      KILL_AT: String(killAt),
      WHEN: when,
      OPTIONS: JSON.stringify(options),
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [, signal] = await once(child, "exit");
  expect(signal).toBe("SIGKILL");
}

// Each of the two partitions puts a file and a manifest.
it.each([1, 2, 3, 4].flatMap((at) => [[at, "before"] as const, [at, "after"] as const]))(
  "goes on after it was killed at put %i, %s it",
  async (killAt, when) => {
    await compactKilled(killAt, when, { into });
    const { failed } = await db.compact("raw/plays", { into });
    expect(failed).toEqual([]);
    expect(await rowsOf("raw/by_year")).toEqual(await rowsOf("raw/plays"));
    const again = await db.compact("raw/plays", { into });
    expect(again).toMatchObject({ compacted: [], failed: [] });
    expect(again.skipped).toHaveLength(2);
    expect((await storage.repair("raw/by_year", { dryRun: true })).removed).toEqual([]);
  },
  60_000,
);

it.each([1, 2, 3, 4].flatMap((at) => [[at, "before"] as const, [at, "after"] as const]))(
  "goes on in place after it was killed at put %i, %s it",
  async (killAt, when) => {
    for (const week of [1, 2])
      await storage.write("raw/plays", [{ yards: 10 * week }], partition({ year: 2024, week }), {
        overwrite: false,
      });
    const before = await rowsOf("raw/plays");
    await compactKilled(killAt, when, {});
    expect(await rowsOf("raw/plays")).toEqual(before);
    expect((await db.compact("raw/plays")).failed).toEqual([]);
    expect(await rowsOf("raw/plays")).toEqual(before);
    expect((await db.compact("raw/plays")).compacted).toEqual([]);
    expect((await storage.repair("raw/plays", { dryRun: true })).removed).toEqual([]);
  },
  60_000,
);

it.each([1, 2, 3, 4].flatMap((at) => [[at, "before"] as const, [at, "after"] as const]))(
  "goes on after it was killed at put %i of replacing what an earlier run wrote, %s it",
  async (killAt, when) => {
    await db.compact("raw/plays", { into });
    for (const year of [2023, 2024])
      await storage.write("raw/plays", [{ yards: 9 }], partition({ year, week: 2 }), { overwrite: false });
    await compactKilled(killAt, when, { into });
    expect((await db.compact("raw/plays", { into })).failed).toEqual([]);
    expect(await rowsOf("raw/by_year")).toEqual(await rowsOf("raw/plays"));
    expect((await storage.repair("raw/by_year", { dryRun: true })).removed).toEqual([]);
  },
  60_000,
);

it("leaves a partition alone that another writer began in the same way", async () => {
  await storage.writeParquet("raw/by_year/year=2023/part-0.parquet", [{ week: 1, yards: 9 }]);
  const { compacted, failed } = await db.compact("raw/plays", { into });
  expect(compacted.map(({ partition: path }) => path)).toEqual(["year=2024"]);
  expect(failed).toMatchObject([{ partition: "year=2023", error: { code: "conflict" } }]);
});
