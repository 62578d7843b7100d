import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, Storage } from "@parquetry/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { asOrdinaryUser, NOBODY } from "../../../test/support/as-ordinary-user.ts";
import { openQuery, type QueryDatabase } from "../src/index.ts";

let root: string;
let data: string;
let storage: Storage;
let db: QueryDatabase;
let reported: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-unreadable-"));
  data = join(root, "data");
  await mkdir(data);
  storage = new Storage(await createLocalBackend({ root: data }));
  for (const year of [2020, 2021, 2022]) {
    for (const week of [1, 2]) await storage.write("raw/plays", [{ yards: week }], partition({ year, week }));
    await storage.write("raw/games", [{ id: year }], partition({ year }));
  }
  reported = [];
});

afterEach(async () => {
  spawnSync("chmod", ["-R", "u+rwx", root]);
  await rm(root, { recursive: true, force: true });
});

/** Makes folders that nobody may read, and lets `run` work as a user to whom that applies. */
async function withUnreadable(folders: readonly string[], run: () => Promise<void>): Promise<void> {
  for (const folder of folders) {
    await mkdir(join(data, folder), { recursive: true });
    await writeFile(join(data, folder, "content"), "");
  }
  if (process.getuid?.() === 0) spawnSync("chown", ["-R", String(NOBODY), root]);
  for (const folder of folders) await chmod(join(data, folder), 0);
  await asOrdinaryUser(async () => {
    db = await openQuery(storage, {
      cacheDirectory: join(root, "cache"),
      onUnreadableFolder: ({ path }) => reported.push(path),
    });
    try {
      await run();
    } finally {
      await db.close();
    }
  });
}

const denied = { code: "permission_denied" };
const SUM = "SELECT sum(yards) AS yards FROM plays";

describe.skipIf(process.platform === "win32")("a folder that cannot be read", () => {
  it.each([
    "lost+found",
    ".Spotlight-V100",
    "$RECYCLE.BIN",
    "raw/lost+found",
    "raw/plays/.Trashes",
    "raw/plays/lost+found",
  ])("does not affect queries that do not need it: %s", async (folder) => {
    await withUnreadable([folder], async () => {
      expect(await db.tables()).toEqual(["raw/games", "raw/plays"]);
      expect((await db.sql(SUM)).rows).toEqual([{ yards: 9 }]);
      expect((await db.sql(`${SUM} WHERE year = 2022 AND week = 2`)).rows).toEqual([{ yards: 2 }]);
      expect((await db.describe("raw/games")).columns).toMatchObject([{ name: "id" }]);
      expect(await storage.listEntities()).toEqual(["raw/games", "raw/plays"]);
      expect(await storage.readIndex("raw/plays", { year: 2021 })).toHaveLength(2);
      expect((await db.compact("plays", { dryRun: true })).failed).toEqual([]);
      await expect(storage.readIndex("raw/plys", {})).rejects.toMatchObject({ code: "not_found" });
      if (!folder.startsWith("raw/plays/")) expect(reported).toEqual([folder]);
    });
  });

  it.each([
    "raw/plays/year=2020",
    "raw/plays/year=2022",
    "raw/plays/year=2021/week=1",
    "raw/plays/year=2023",
  ])("fails the queries that need it, and no others: %s", async (folder) => {
    const [, year] = /year=(\d+)/.exec(folder) ?? [];
    await withUnreadable([folder], async () => {
      expect(await db.tables()).toEqual(["raw/games", "raw/plays"]);
      expect((await db.sql("SELECT count(*) AS n FROM games")).rows).toEqual([{ n: 3 }]);
      expect((await db.sql(`${SUM} WHERE year <> ${year}`)).rows[0]?.["yards"]).toBeGreaterThanOrEqual(6);
      const needed = { ...denied, path: folder };
      await expect(db.sql(SUM)).rejects.toMatchObject(needed);
      await expect(db.sql(`${SUM} WHERE year = ${year}`)).rejects.toMatchObject(needed);
      await expect(db.explain(SUM)).rejects.toMatchObject(needed);
      await expect(db.compact("plays")).rejects.toMatchObject(needed);
      await expect(storage.readIndex("raw/plays", { year: Number(year) })).rejects.toMatchObject(needed);
      await expect(storage.readIndex("raw/plays", {})).rejects.toMatchObject(needed);
      const others = await storage.readIndex("raw/plays", {
        year: [2020, 2021, 2022].filter((other) => other !== Number(year)),
      });
      expect(others.length).toBeGreaterThanOrEqual(4);
    });
  });

  it("is named by a query of a table in it", async () => {
    await withUnreadable(["secret", "other/year=2020"], async () => {
      expect(await db.tables()).toEqual(["other", "raw/games", "raw/plays"]);
      await expect(db.sql("SELECT * FROM secret")).rejects.toMatchObject({ ...denied, path: "secret" });
      await expect(db.sql('SELECT * FROM "secret/plays"')).rejects.toMatchObject({
        ...denied,
        path: "secret",
      });
      await expect(db.sql("SELECT * FROM other")).rejects.toMatchObject({
        ...denied,
        path: "other/year=2020",
      });
      await expect(db.sql("SELECT * FROM plys")).rejects.toMatchObject({ code: "not_found" });
    });
  });

  it("fails a query that needs a file that cannot be read with permission_denied", async () => {
    const [name = ""] = (await readdir(join(data, "raw/plays/year=2021/week=1"))).filter((each) =>
      each.endsWith(".parquet"),
    );
    const file = join(data, "raw/plays/year=2021/week=1", name);
    await withUnreadable([], async () => {
      await chmod(file, 0);
      await expect(db.sql(SUM)).rejects.toMatchObject(denied);
      expect((await db.sql(`${SUM} WHERE year = 2022`)).rows).toEqual([{ yards: 3 }]);
    });
  });
});
