import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openBackend } from "@parquetry/storage/backend";
import { describe, expect, it } from "vitest";
import { asOrdinaryUser, NOBODY } from "../../../test/support/as-ordinary-user.ts";
import { doctor, inventory, planMigration, runMigration, verifyMigration } from "../src/index.ts";
import { type CommandOutcome, createWorld, jsonLines, summaryOf, type World } from "./support/command.ts";
import { contents, memoryTree } from "./support/memory-tree.ts";

const FILES = {
  "raw/games/a.csv": "games",
  "raw/locked/year=2023/b.csv": "locked",
  "raw/plays/c.csv": "plays",
};

/** Makes a world, prepares it by `before`, and makes its folder `raw/locked` unreadable. */
async function lockedWorld(before: (world: World) => Promise<unknown> = async () => {}): Promise<World> {
  const world = await createWorld();
  world.write(FILES);
  await before(world);
  // Loads all modules now, since the other user may not read this checkout.
  for (const command of ["migrate", "verify", "inventory", "cost", "doctor"])
    await world.call([command, "--from", world.folder, "--to", "r2://nowhere"]);
  if (process.getuid?.() === 0) spawnSync("chown", ["-R", `${NOBODY}`, world.folder]);
  chmodSync(join(world.data, "raw/locked"), 0);
  return {
    ...world,
    async [Symbol.asyncDispose]() {
      // Only root removes a folder that it may not read.
      unlock(world);
      await world[Symbol.asyncDispose]();
    },
  };
}

function unlock(world: World): void {
  chmodSync(join(world.data, "raw/locked"), 0o700);
}

const call = (world: World, ...args: string[]): Promise<CommandOutcome> =>
  asOrdinaryUser(() => world.call(args));

const FAILED = /failed: list \S+\/raw\/locked: access is denied; check the owner and the mode\./;

describe.skipIf(process.platform === "win32")("a folder of the source that cannot be read", () => {
  it("is reported as failed, and the others are migrated", async () => {
    await using world = await lockedWorld();
    const planned = await call(world, "plan");
    expect(planned).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(FAILED) });
    const migrated = await call(world, "migrate", "--report", "report");
    expect(migrated).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(FAILED) });
    expect(migrated.stdout).toContain("raw: local=2 cloud=2 missing=0 extra=0 differing=0 unverifiable=1\n");
    expect(migrated.stdout).toContain("Copied 2 files");
    expect(migrated.stdout).toContain("Not complete: 1 unreadable.");
    expect(readFileSync(join(world.folder, "report/failed.txt"), "utf8")).toMatch(
      /^raw\/locked\tpermission_denied\tlist /,
    );
    expect(readFileSync(join(world.folder, "report/unverifiable.txt"), "utf8")).toBe("raw/locked\n");
    expect(readFileSync(join(world.folder, "report/report.html"), "utf8")).toContain("raw/locked");
    unlock(world);
    const whole = await call(world, "migrate");
    expect(whole).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("Copied 1 file,") });
  });

  it("is in the JSON lines of every command", async () => {
    await using world = await lockedWorld();
    for (const command of ["plan", "migrate", "verify", "inventory", "cost"]) {
      const outcome = await call(world, command, "--json");
      expect(summaryOf(outcome), command).toMatchObject({ exitCode: 1, unreadable: 1 });
      expect(jsonLines(outcome.stdout)).toContainEqual(
        expect.objectContaining({ type: "failed", key: "raw/locked", code: "permission_denied" }),
      );
    }
    const checks = await call(world, "doctor");
    expect(checks).toMatchObject({ exitCode: 1 });
    expect(checks.stdout).toContain("folders: readable: 1 unreadable: raw/locked (permission_denied)");
  });

  it("makes the target's objects under it unverifiable, not extra", async () => {
    await using world = await lockedWorld((open) => open.call(["migrate"]));
    const verified = await call(world, "verify");
    expect(verified).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(FAILED) });
    expect(verified.stdout).toBe("raw: local=2 cloud=3 missing=0 extra=0 differing=0 unverifiable=2\n");
    expect(verified.stderr).toContain("Not equal: 2 unverifiable (1 could not be read).");
    const accepted = await call(world, "verify", "--allow-unverified");
    expect(accepted).toMatchObject({ exitCode: 1 });
    const migrated = await call(world, "migrate");
    expect(migrated).toMatchObject({ exitCode: 1 });
    expect(migrated.stdout).toContain(verified.stdout);
  });

  it("does not matter if nothing in it is selected", async () => {
    await using world = await lockedWorld();
    for (const filter of [
      ["--exclude", "raw/locked/"],
      ["--exclude", "raw/locked"],
      ["--include", "raw/games/", "--include", "raw/plays/"],
    ]) {
      const { exitCode, stderr } = await call(world, "migrate", ...filter);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.not.stringMatching(FAILED) });
    }
    expect(await call(world, "verify", "--exclude", "raw/locked/")).toMatchObject({ exitCode: 0 });
  });

  it("is not taken for an empty drive", async () => {
    await using world = await lockedWorld();
    const { exitCode, stderr } = await call(
      world,
      "migrate",
      "--exclude",
      "raw/games/",
      "--exclude",
      "raw/plays/",
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(FAILED);
    expect(stderr).not.toContain("Nothing is selected");
  });

  it("is in the library's results", async () => {
    await using world = await lockedWorld();
    await asOrdinaryUser(async () => {
      const open = (): ReturnType<typeof openBackend> => openBackend(world.data);
      const disk = await open();
      const target = await memoryTree();
      const unreadable = [{ key: "raw/locked", code: "permission_denied" }];
      const planned = await planMigration(disk, target);
      expect(planned.unreadable.first(9)).toMatchObject(unreadable);
      const result = await runMigration(disk, target, { plan: planned });
      expect(result.complete).toBe(false);
      result.close();
      expect(await contents(target)).toEqual({ "raw/games/a.csv": "games", "raw/plays/c.csv": "plays" });
      const found = await verifyMigration(disk, target);
      expect(found).toMatchObject({ equal: false });
      expect(found.unreadable.first(9)).toMatchObject(unreadable);
      found.close();
      const counted = await inventory(disk);
      expect(counted.files).toBe(2);
      expect(counted.unreadable.first(9)).toMatchObject(unreadable);
      counted.close();
      const checks = await doctor([{ name: "disk", open, isSource: true }]);
      expect(checks.find(({ name }) => name === "folders: readable")).toMatchObject({ status: "fail" });
    });
  });
});
