import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { partition, type Row } from "@parquetry/core";
import { processOwner } from "@parquetry/core/unstable";
import { openStorage } from "@parquetry/storage";
import { describe, expect, it } from "vitest";
import { createWorld, summaryOf, type World } from "./support/command.ts";

const LEFTOVER = `part-${"0".repeat(32)}.parquet`;

/** Two tables: one with a leftover and an old manifest, one without a fault. */
async function world(): Promise<World> {
  const made = await createWorld();
  await using storage = await openStorage(made.data);
  for (const entity of ["raw/plays", "raw/games"])
    for (const year of [2023, 2024]) await storage.write(entity, [{ year_of: year }], partition({ year }));
  const folder = join(made.data, "raw/plays/year=2024");
  await storage.writeParquet(`raw/plays/year=2024/${LEFTOVER}`, [{ year_of: 666 }]);
  const old = { rows: 1, entity: "plays", schema_version: 1, schema: { fields: [] } };
  made.write({ "raw/old/year=1/data.csv": "a\n1\n", "raw/old/year=1/manifest.json": JSON.stringify(old) });
  expect(readdirSync(folder)).toContain(LEFTOVER);
  return made;
}

const rowsOf = async (root: string): Promise<readonly Row[][]> => {
  await using storage = await openStorage(root);
  return await Promise.all(
    ["raw/plays", "raw/games", "raw/old"].map((entity) => storage.readIndex<Row>(entity)),
  );
};

describe("parquetry repair", () => {
  it("repairs every table, changes nothing by --dry-run, and keeps every row", async () => {
    await using made = await world();
    const before = await rowsOf(made.data);
    const manifest = join(made.data, "raw/old/year=1/manifest.json");
    const leftover = join(made.data, "raw/plays/year=2024", LEFTOVER);
    const dry = await made.call(["repair", "--dry-run"]);
    expect(dry).toMatchObject({ exitCode: 0, stderr: "2 repairs to do; nothing was changed.\n" });
    expect(dry.stdout.split("\n").map((line) => line.trim().split(/\s+/).join(" "))).toEqual([
      "entity partitions removed completed published renamed strays broken",
      "raw/games 2 0 0 0 0 0 0",
      "raw/old 1 0 0 0 1 0 0",
      "raw/plays 2 1 0 0 0 0 0",
      expect.stringMatching(`^would remove raw/plays/year=2024/${LEFTOVER} \\(`),
      "would rename manifest.json to _manifest.json in raw/old/year=1",
      "",
    ]);
    expect([existsSync(manifest), existsSync(leftover)]).toEqual([true, true]);
    const done = await made.call(["repair"]);
    expect(done).toMatchObject({ exitCode: 0, stderr: "2 repairs done.\n" });
    expect(done.stdout).toContain(`\nremoved raw/plays/year=2024/${LEFTOVER} (`);
    expect([existsSync(manifest), existsSync(leftover)]).toEqual([false, false]);
    expect(existsSync(join(made.data, "raw/old/year=1/_manifest.json"))).toBe(true);
    expect(await rowsOf(made.data)).toEqual(before);
    expect((await made.call(["repair"])).stderr).toBe("Nothing to repair.\n");
  });

  it("repairs one table, also at another place, and gives JSON", async () => {
    await using made = await world();
    const dry = await made.call(["repair", "raw/plays", "--dry-run", "--json", "--from", made.data]);
    const removed = [{ path: `raw/plays/year=2024/${LEFTOVER}`, bytes: expect.any(Number) }];
    expect(summaryOf(dry)).toMatchObject({
      exitCode: 0,
      place: made.data,
      dryRun: true,
      entities: [{ entity: "raw/plays", partitions: 2, removed, renamed: [] }],
      failed: [],
    });
    const env = { CFB_MODEL_DATA_ROOT: join(made.folder, "nowhere") };
    const done = await made.call(["repair", "raw/plays", "--from", made.data], env);
    expect(done).toMatchObject({ exitCode: 0, stderr: "1 repair done.\n" });
    expect(existsSync(join(made.data, "raw/old/year=1/manifest.json"))).toBe(true);
  });

  it("removes temporary files of killed processes, and shows other engines rows that a killed write committed", async () => {
    await using made = await world();
    const before = await rowsOf(made.data);
    const folder = join(made.data, "raw/plays/year=2024");
    {
      await using storage = await openStorage(made.data);
      await storage.write("raw/plays", [{ year_of: 1 }], partition({ year: 2024 }), { overwrite: false });
    }
    const added = await rowsOf(made.data);
    expect(added).not.toEqual(before);
    const [visible = ""] = readdirSync(folder).filter((name) => /^part-[0-9a-f]{32}\.parquet$/.test(name));
    const pending = visible.replace(/^part-(.*)\.parquet$/, "_part-$1.pending");
    renameSync(join(folder, visible), join(folder, pending));
    const [machine, pid, start] = processOwner().split(".");
    const dead = join(folder, `.parquetry-${machine}.${pid}.${Number(start) + 1}.0123456789abcdef.tmp`);
    const living = join(folder, `.parquetry-${processOwner()}.0123456789abcdef.tmp`);
    for (const path of [dead, living]) writeFileSync(path, "half");
    expect(await rowsOf(made.data)).toEqual(added);
    const dry = await made.call(["repair", "--dry-run"]);
    expect(dry).toMatchObject({ exitCode: 0, stderr: "3 repairs to do; nothing was changed.\n" });
    expect(dry.stdout).toContain("would show other engines the new rows of raw/plays/year=2024");
    expect(dry.stdout.replace(/\s+/g, "")).toContain(`wouldremove${dead}(4B)`);
    expect([dead, join(folder, pending)].map((path) => existsSync(path))).toEqual([true, true]);
    expect(await made.call(["repair"])).toMatchObject({ exitCode: 0, stderr: "3 repairs done.\n" });
    expect([dead, join(folder, pending)].map((path) => existsSync(path))).toEqual([false, false]);
    expect([living, join(folder, visible)].map((path) => existsSync(path))).toEqual([true, true]);
    expect(await rowsOf(made.data)).toEqual(added);
  });

  it("ends with 1 and names a broken partition, and repairs the others", async () => {
    await using made = await world();
    writeFileSync(join(made.data, "raw/games/year=2023/_manifest.json"), "{");
    const { exitCode, stderr } = await made.call(["repair"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/broken: .*raw\/games\/year=2023\/_manifest\.json/);
    expect(stderr).toMatch(/2 repairs done\. 1 problem left, named above\.\n$/);
    const again = await made.call(["repair"]);
    expect(again.stderr).toMatch(/Nothing was changed\. 1 problem left, named above\.\n$/);
    expect(summaryOf(await made.call(["repair", "--json"]))).toMatchObject({
      exitCode: 1,
      entities: [{ broken: [{ code: "corrupt" }] }, {}, {}],
    });
  });

  it("ends with 2 for an unknown table, and names those that exist", async () => {
    await using made = await world();
    const { exitCode, stderr } = await made.call(["repair", "raw/play"]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("raw/games, raw/old, raw/plays")]);
  });
});
