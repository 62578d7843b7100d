import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startS3Server } from "@parquetry/testkit";
import { describe, expect, it } from "vitest";
import { asOrdinaryUser, NOBODY } from "../../../test/support/as-ordinary-user.ts";
import { createWorld, summaryOf, until, type World } from "./support/command.ts";

const CONCURRENCY = 4;

function smallFiles(count: number): Record<string, Uint8Array> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`raw/week=${i % 10}/${i}.bin`, randomBytes(500 + i)]),
  );
}

/** Compares the bucket with the disk, both read in full. */
async function expectParity(world: World, env?: Record<string, string>): Promise<void> {
  const verified = await world.call(["verify", "--level", "full"], env);
  expect(verified.stdout).toMatch(/missing=0 extra=0 differing=0 unverifiable=0\n$/);
  expect(verified.exitCode).toBe(0);
}

describe.concurrent("a migration that is disturbed", () => {
  it("finishes after kill -9 at random instants, sending again no more than what was in flight", async () => {
    // Of S3 the listing proves what we sent in parts, also where the answer to the last request never came.
    await using world = await createWorld("s3");
    const files = smallFiles(150);
    world.write({ ...files, "raw/large.bin": randomBytes(9_000_000) });
    const { requests } = world.server;
    world.server.setFaults([{ operation: "PutObject", fault: { kind: "latency", ms: 15 } }]);
    let kills = 0;
    for (let done = false; !done && kills < 4; ) {
      const run = world.start(["migrate", "--concurrency", String(CONCURRENCY)]);
      const before = requests.count("PutObject");
      const some = Math.ceil(Math.random() * 30);
      const ended = run.outcome.then(() => true);
      await Promise.race([until(() => requests.count("PutObject") >= before + some), ended]);
      await sleep(Math.random() * 15);
      run.child.kill("SIGKILL");
      const { exitCode } = await run.outcome;
      done = exitCode === 0;
      if (!done) kills++;
    }
    world.server.setFaults([]);
    expect((await world.call(["migrate"])).exitCode).toBe(0);
    expect(kills).toBeGreaterThan(0);
    expect(requests.count("PutObject")).toBeLessThanOrEqual(150 + kills * CONCURRENCY);
    await expectParity(world);
  });

  it("finishes under 20 % of 503 and of resets", async () => {
    await using world = await createWorld();
    world.write(smallFiles(120));
    world.server.setFaults([
      { probability: 0.2, seed: 1, fault: { kind: "status", status: 503 } },
      { probability: 0.1, seed: 2, fault: { kind: "reset", when: "before" } },
      { probability: 0.1, seed: 3, operation: "PutObject", fault: { kind: "reset", when: "after-commit" } },
    ]);
    const run = await world.call(["migrate"]);
    expect(run).toMatchObject({ exitCode: 0 });
    expect(run.stderr).not.toContain("arrived in parts");
    world.server.setFaults([]);
    await expectParity(world);
  });

  it("waits for a server that is gone for a while", async () => {
    await using world = await createWorld();
    world.write(smallFiles(80));
    const dir = join(world.folder, "bucket");
    const start = (port: number): ReturnType<typeof startS3Server> =>
      startS3Server({ dir, port, buckets: ["football"], profile: "r2" });
    const first = await start(0);
    first.setFaults([{ operation: "PutObject", fault: { kind: "latency", ms: 20 } }]);
    const env = { CFB_R2_ENDPOINT: first.endpoint };
    const run = world.start(["migrate", "--concurrency", "4"], env);
    await until(() => first.requests.count("PutObject") >= 20);
    await first.close();
    await sleep(1500);
    await using _second = await start(first.port);
    expect(await run.outcome).toMatchObject({ exitCode: 0 });
    await expectParity(world, env);
  });

  it("finds a wrong object of the same size, whether it came by one PUT or in parts", async () => {
    await using world = await createWorld("s3");
    const right = randomBytes(9_000_000);
    world.write({ "raw/large.bin": right, "raw/small.bin": "right" });
    await using other = await createWorld("s3");
    const wrong = Buffer.from(right);
    wrong[8_500_000] = (wrong[8_500_000] ?? 0) ^ 1;
    other.write({ "raw/large.bin": wrong, "raw/small.bin": "wrong" });
    const there = { CFB_S3_ENDPOINT: world.server.endpoint };
    expect((await other.call(["migrate"], there)).exitCode).toBe(0);
    const migrated = await world.call(["migrate"]);
    expect(migrated.exitCode).toBe(1);
    const found = await world.call(["verify"]);
    expect(found.exitCode).toBe(1);
    expect(found.stderr).toContain("raw/small.bin");
    expect(found.stderr).toContain("raw/large.bin");
    expect((await world.call(["verify", "--level", "full"])).stdout).toContain("differing=2");
  });
});

describe.skipIf(process.platform === "win32")("files that are none, or that cannot be read", () => {
  it("are each named, and the others arrive", async () => {
    await using world = await createWorld();
    world.write({ "raw/good.csv": "1", "raw/empty.csv": "", "raw/locked.csv": "2" });
    symlinkSync(join(world.data, "raw/good.csv"), join(world.data, "raw/link.csv"));
    const socket = createServer().listen(join(world.data, "raw/socket"));
    await until(() => existsSync(join(world.data, "raw/socket")));
    chmodSync(join(world.data, "raw/locked.csv"), 0);
    if (process.getuid?.() === 0) spawnSync("chown", ["-R", String(NOBODY), world.folder]);
    const run = await asOrdinaryUser(() => world.call(["migrate", "--json"]));
    expect(run.stdout).toContain("raw/link.csv: a symbolic link");
    expect(run.stdout).toContain("raw/socket: not a regular file");
    expect(run.stdout).toContain("permission_denied");
    expect(summaryOf(run)).toMatchObject({ exitCode: 1, copied: { files: 2 }, failed: 1 });
    socket.close();
  });

  it("a file that vanishes between plan and copy is named", async () => {
    await using world = await createWorld();
    world.write(smallFiles(30));
    const { requests } = world.server;
    world.server.setFaults([{ operation: "PutObject", fault: { kind: "latency", ms: 50 } }]);
    const run = world.start(["migrate", "--concurrency", "1"]);
    await until(() => requests.count("PutObject") >= 1);
    rmSync(join(world.data, "raw/week=9"), { recursive: true });
    const outcome = await run.outcome;
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toMatch(/failed: .*raw\/week=9\/.*there is no such file/);
    expect(outcome.stdout).toContain("3 failed");
    expect(requests.count("PutObject")).toBe(27);
  });
});

describe("a disk that is full on the way down", () => {
  it("is reported, and leaves no partial file under its name", async ({ skip }) => {
    await using world = await createWorld();
    const small = join(world.folder, "small");
    mkdirSync(small);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", small]).status === 0;
    skip(!mounted, "needs a separate small file system: Linux, root and the right to mount");
    try {
      const files = Object.fromEntries(
        Array.from({ length: 8 }, (_, i) => [`raw/${i}.bin`, randomBytes(300_000)]),
      );
      world.write(files);
      expect((await world.call(["migrate"])).exitCode).toBe(0);
      const down = await world.call(["migrate", "--from", "r2://football", "--to", small]);
      expect(down.exitCode).toBe(1);
      expect(down.stderr).toContain("the disk is full; free some space");
      const arrived = readdirSync(join(small, "raw"));
      expect(arrived.length).toBeLessThan(8);
      for (const name of arrived)
        expect(
          readFileSync(join(small, "raw", name)).equals(files[`raw/${name}`] ?? Buffer.alloc(0)),
          name,
        ).toBe(true);
    } finally {
      spawnSync("umount", [small]);
    }
  });
});
