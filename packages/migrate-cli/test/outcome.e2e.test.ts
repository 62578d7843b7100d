import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createWorld } from "./support/command.ts";

const PLAYS = { "raw/plays/year=2024/a.parquet": "right", "raw/plays/year=2023/a.parquet": "plays" };

describe.concurrent("what a command says in the end", () => {
  it("names a link that was not followed, also with --quiet", async () => {
    await using world = await createWorld();
    world.write(PLAYS);
    symlinkSync("/etc", join(world.data, "raw/plays/year=2022"));
    const told = "except for raw/plays/year=2022 (a symbolic link";
    const migrated = await world.call(["migrate", "--quiet"]);
    expect(migrated).toMatchObject({ exitCode: 0 });
    expect(migrated.stdout.replace(/\s+/g, " ")).toContain(`Everything is there, ${told}`);
    const verified = await world.call(["verify", "--quiet"]);
    expect(verified).toMatchObject({ exitCode: 0 });
    expect(verified.stderr).toContain(told);
  });

  it("does not name filtered links and names that are not keys", async () => {
    await using world = await createWorld();
    const tooLong = `raw/bad/${Array.from({ length: 5 }, () => "x".repeat(220)).join("/")}`;
    world.write({ ...PLAYS, [tooLong]: "lost" });
    symlinkSync("/etc", join(world.data, "raw/link"));
    expect(await world.call(["migrate"])).toMatchObject({ exitCode: 1 });
    const filter = ["--exclude", "raw/bad/", "--exclude", "raw/link"];
    for (const command of ["migrate", "verify", "inventory"]) {
      const outcome = await world.call([command, ...filter]);
      expect(outcome).toMatchObject({ exitCode: 0 });
      expect(outcome.stdout + outcome.stderr).not.toMatch(/raw\/(bad|link)/);
    }
  });

  it("reports a pattern that matches nothing, once, and keeps the exit code", async () => {
    await using world = await createWorld();
    world.write(PLAYS);
    const filter = [
      "--exclude",
      "raw/play/",
      "--exclude",
      "raw/play/",
      "--include",
      "ra[w]/**",
      "--include",
      "*.csv",
    ];
    for (const command of ["plan", "migrate", "verify", "inventory", "cost"]) {
      const { exitCode, stderr } = await world.call([command, ...filter]);
      expect([command, exitCode]).toEqual([command, 0]);
      const told = stderr.replace(/\s+/g, " ").match(/--\S+ "\S+" matches nothing/g);
      expect(told).toEqual(['--include "*.csv" matches nothing', '--exclude "raw/play/" matches nothing']);
    }
    const lines = (await world.call(["verify", "--json", ...filter])).stdout.split("\n");
    expect(lines.filter((line) => line.includes('"type":"warning"'))).toHaveLength(2);
    const none = await world.call(["migrate", "--include", "raw/play/"]);
    expect(none).toMatchObject({ exitCode: 2 });
    for (const bad of ["[a", "raw/[z-a]/", "{a", "[[:nope:]]"]) {
      const { exitCode, stderr } = await world.call(["migrate", "--exclude", bad]);
      expect([bad, exitCode]).toEqual([bad, 2]);
      expect(stderr).toContain(`"${bad}" is not a pattern`);
    }
  });

  it("does not take an empty source for one whose files are all there", async () => {
    await using world = await createWorld();
    world.write(PLAYS);
    await world.call(["migrate"]);
    rmSync(join(world.data, "raw"), { recursive: true });
    for (const args of [["migrate"], ["plan"], ["migrate", "--include", "raw/"]]) {
      const { exitCode, stderr } = await world.call(args);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(world.data);
      expect(stderr).toContain("(r2://football has 2 files)");
    }
    const misspelt = await world.call(["verify", "--from", "r2://football/nope", "--to", world.data]);
    expect(misspelt).toMatchObject({ exitCode: 2 });
    expect(misspelt.stderr).toContain("No files at r2://football/nope");
  });

  it("counts nothing without empty tables, and refuses filters that find nothing", async () => {
    await using world = await createWorld();
    expect((await world.call(["inventory"])).stdout).toBe(`0 files, 0 B at ${world.data}\n`);
    world.write(PLAYS);
    for (const command of ["inventory", "cost"]) {
      expect(await world.call([command, "--where", "yaer=1"])).toMatchObject({ exitCode: 2 });
    }
    expect((await world.call(["inventory", "--include", "raw/plays"])).stdout).toContain("2 files");
  });

  it("has no line for a folder of which everything is left out", async () => {
    await using world = await createWorld();
    world.write({ ...PLAYS, ".DS_Store": "folder" });
    expect((await world.call(["migrate"])).stdout).not.toMatch(/^\.:/m);
  });
});

describe.concurrent("damage that only verify --level full finds", () => {
  it("is known to the next migrate, and fixed by --force", async () => {
    await using world = await createWorld("r2", true);
    world.write(PLAYS);
    await world.call(["migrate"]);
    damage(join(world.folder, "server"), "right", "wrong");
    expect(await world.call(["migrate"])).toMatchObject({ exitCode: 0 });
    expect(await world.call(["verify", "--level", "full"])).toMatchObject({ exitCode: 1 });
    const left = await world.call(["migrate"]);
    expect(left).toMatchObject({ exitCode: 1 });
    expect(left.stderr).toContain("raw/plays/year=2024/a.parquet");
    const forced = await world.call(["migrate", "--force"]);
    expect(forced).toMatchObject({ exitCode: 0 });
    expect(forced.stdout).toContain("Copied 1 file");
    expect(await world.call(["migrate"])).toMatchObject({ exitCode: 0 });
    expect(await world.call(["verify", "--level", "full"])).toMatchObject({ exitCode: 0 });
  });
});

/** Overwrites bytes where a server keeps its objects, behind its back. */
function damage(folder: string, from: string, to: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    const at = bytes.indexOf(from);
    if (at !== 0) continue;
    bytes.write(to, at);
    writeFileSync(path, bytes);
  }
}
