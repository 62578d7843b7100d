import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createWorld, summaryOf, until, type World } from "./support/command.ts";

const KB = "x".repeat(1000);
const FILES = { "raw/a.bin": KB, "raw/b.bin": KB, "processed/c.bin": KB, "raw/last.bin": KB };

const refuse = (world: World, ...keys: string[]): void =>
  world.server.setFaults(
    keys.map((key) => ({ operation: "PutObject", key, fault: { kind: "status", status: 403 } })),
  );

describe("a migration that is run again", () => {
  it("tells what its earlier runs copied, until nothing is left to do", async () => {
    await using world = await createWorld();
    world.write(FILES);
    refuse(world, "raw/b.bin", "raw/last.bin");
    const first = await world.call(["migrate"]);
    expect(first.exitCode).toBe(1);
    expect(first.stdout).toContain("Copied 2 files, 2.0 kB");
    expect(first.stdout).not.toContain("Earlier");

    refuse(world, "raw/last.bin");
    const second = await world.call(["migrate"]);
    expect(second.stdout).toContain("Copied 1 file, 1.0 kB");
    expect(second.stdout).toMatch(/^Earlier, 1 run of this migration copied 2 files, 2\.0 kB in .*s\.$/m);

    world.server.setFaults([]);
    const last = await world.call(["migrate", "--json", "--report", "report"]);
    const earlier = { runs: 2, files: 3, bytes: 3000, atLeast: false, durationMs: expect.any(Number) };
    expect(summaryOf(last)).toMatchObject({ exitCode: 0, copied: { files: 1 }, earlier });
    const report = readFileSync(join(world.folder, "report", "report.html"), "utf8");
    expect(report).toMatch(/copied by 2 earlier runs[\s\S]{0,80}3 files, 3\.0 kB/);

    const again = await world.call(["migrate"]);
    expect(again.stdout).toContain("Nothing to do");
    expect(again.stdout).not.toContain("Earlier");
  });

  it("counts only runs of the same places and the same selection", async () => {
    await using world = await createWorld();
    world.write(FILES);
    refuse(world, "raw/last.bin");
    expect((await world.call(["migrate", "--include", "raw/"])).exitCode).toBe(1);
    world.server.setFaults([]);
    const other = await world.call(["migrate", "--include", "processed/"]);
    expect(other.stdout).not.toContain("Earlier");
    const elsewhere = await world.call(["migrate", "--include", "raw/", "--to", "r2://football/copy"]);
    expect(elsewhere.stdout).not.toContain("Earlier");
    const same = await world.call(["migrate", "--include", "raw/"]);
    expect(same.stdout).toContain("Earlier, 1 run of this migration copied 2 files");
  });

  it("says that a killed run copied at least what its status shows", async () => {
    await using world = await createWorld();
    world.write(FILES);
    const { server } = world;
    server.setFaults([
      { operation: "PutObject", key: "raw/last.bin", fault: { kind: "latency", ms: 60_000 } },
    ]);
    const runs = join(world.folder, "cache", "parquetry", "runs");
    const run = world.start(["migrate"]);
    await until(() => statusText(runs).includes('"files":1,"bytes":1000,"filesTotal":1'));
    run.child.kill("SIGKILL");
    await run.outcome;
    server.setFaults([]);
    const again = await world.call(["migrate"]);
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toMatch(/^Earlier, 1 run of this migration copied at least [123] files?, /m);
  }, 60_000);

  it("ignores status files that are damaged", async () => {
    await using world = await createWorld();
    world.write(FILES);
    refuse(world, "raw/last.bin");
    await world.call(["migrate"]);
    const runs = join(world.folder, "cache", "parquetry", "runs");
    const [name = ""] = readdirSync(runs);
    const status = JSON.parse(readFileSync(join(runs, name), "utf8"));
    status.folders = [{ folder: "raw", files: "many", bytes: -1 }, null];
    writeFileSync(join(runs, name), JSON.stringify(status));
    world.server.setFaults([]);
    const again = await world.call(["migrate"]);
    expect(again.exitCode).toBe(0);
    expect(again.stdout).not.toContain("Earlier");
  });
});

function statusText(runs: string): string {
  try {
    return readdirSync(runs)
      .filter((name) => name.endsWith(".json"))
      .map((name) => readFileSync(join(runs, name), "utf8"))
      .join();
  } catch {
    return "";
  }
}
