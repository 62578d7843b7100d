import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createWorld, jsonLines, until, type World } from "./support/command.ts";

const PART_BYTES = 8 * 1024 * 1024;

/** Starts an upload of twelve parts, 300 ms each, and waits until four have arrived. */
async function uploadSlowly(world: World, args: readonly string[] = []): Promise<ReturnType<World["start"]>> {
  const { server } = world;
  world.write({ "raw/large.bin": randomBytes(12 * PART_BYTES), "raw/small.bin": "small" });
  server.setFaults([{ operation: "UploadPart", fault: { kind: "latency", ms: 300 } }]);
  const run = world.start(["migrate", ...args]);
  await until(() => server.requests.count("UploadPart") >= 4);
  return run;
}

describe("an interrupted migration", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "finishes the parts under way after %s, tells how long that takes, and resumes from them",
    async (signal) => {
      await using world = await createWorld("s3");
      const { server } = world;
      const run = await uploadSlowly(world);
      run.child.kill(signal);
      const { exitCode, stderr, stdout } = await run.outcome;
      expect(exitCode).toBe(130);
      expect(stderr).toMatch(/^finishing (1 file and )?\d parts?, [\d.]+ MB.*; Ctrl-C again stops at once$/m);
      expect(stdout).toContain("Interrupted with 1 file to go");
      const sent = server.requests.count("UploadPart");
      expect(sent).toBeLessThan(12);
      expect(server.requests.count("CompleteMultipartUpload")).toBe(0);
      expect(server.requests.count("AbortMultipartUpload")).toBe(0);
      server.setFaults([]);
      const again = await world.run(["migrate", "--json"]);
      expect(again.exitCode).toBe(0);
      expect(jsonLines(again.stdout)).toContainEqual(
        // Every part that was sent has arrived and counts.
        expect.objectContaining({ type: "upload", key: "raw/large.bin", action: "resumed", parts: sent }),
      );
      expect(server.requests.count("UploadPart")).toBe(12);
      expect(server.requests.count("CreateMultipartUpload")).toBe(1);
    },
  );

  it("stops at once with 130 at the second Ctrl-C, and loses nothing", async () => {
    await using world = await createWorld("s3");
    const { server } = world;
    const run = await uploadSlowly(world);
    server.setFaults([{ operation: "UploadPart", fault: { kind: "latency", ms: 60_000 } }]);
    await sleep(400);
    let text = "";
    run.child.stderr?.on("data", (chunk: string) => {
      text += chunk;
    });
    run.child.kill("SIGINT");
    // A second signal that comes before the first is handled is not a separate one.
    await until(() => text.includes("finishing"));
    const startedAt = performance.now();
    run.child.kill("SIGINT");
    expect((await run.outcome).exitCode).toBe(130);
    // The parts under way need a minute.
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    server.setFaults([]);
    const again = await world.run(["migrate"]);
    expect(again.exitCode).toBe(0);
    expect(server.requests.count("CreateMultipartUpload")).toBe(1);
  });

  it("cuts off a large download, keeps the small files, and leaves no temporary file", async () => {
    await using world = await createWorld("s3");
    const { server } = world;
    const large = randomBytes(24 * 1024 * 1024);
    world.write({ "raw/a.bin": "small", "raw/large.bin": large });
    expect((await world.run(["migrate"])).exitCode).toBe(0);
    const target = join(world.folder, "back");
    mkdirSync(target);
    const args = ["migrate", "--from", "s3://football", "--to", target];
    server.setFaults([
      { operation: "GetObject", key: /large/, fault: { kind: "bandwidth", bytesPerSecond: 4e5 } },
    ]);
    const run = world.start(args);
    await until(() => existsSync(join(target, "raw/a.bin")));
    const before = server.requests.bytesOut;
    await until(() => server.requests.bytesOut > before + 200_000);
    const startedAt = performance.now();
    run.child.kill("SIGINT");
    const { exitCode, stderr } = await run.outcome;
    expect(exitCode).toBe(130);
    // The rest needs a minute.
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(stderr).toContain("1 file cut off, copied again by the next run");
    expect(readdirSync(join(target, "raw"))).toEqual(["a.bin"]);
    server.setFaults([]);
    expect((await world.run(args)).exitCode).toBe(0);
    expect(readFileSync(join(target, "raw/large.bin")).equals(large)).toBe(true);
    expect(readdirSync(join(target, "raw"))).toEqual(["a.bin", "large.bin"]);
  });

  it("reports a store that does not answer in every command, and stops at the first Ctrl-C", async () => {
    await using world = await createWorld("s3");
    world.write({ "raw/plays/year=2024/a.csv": "a\n1\n" });
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      sockets.add(socket.on("error", () => {}).resume());
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const env = { CFB_S3_ENDPOINT: `http://${host}`, CFB_STORAGE_BACKEND: "s3" };
    const commands = [
      ["migrate", "--quiet"],
      ["verify", "--quiet"],
      ["plan", "--json"],
      ["inventory", "s3://football"],
      ["doctor"],
      ["query", "SELECT 1 FROM plays"],
      ["compact", "raw/plays"],
      ["repair"],
      ["ddl", "raw/plays", "--engine", "trino"],
    ];
    try {
      const runs = commands.map((args) => world.start(args, env));
      await Promise.all(
        runs.map(async ({ child, outcome }) => {
          let text = "";
          for (const stream of [child.stdout, child.stderr])
            stream?.on("data", (chunk: string) => {
              text += chunk;
            });
          await until(() => text.includes(`no answer from ${host} for 10 s; still trying, Ctrl-C stops`));
          child.kill("SIGINT");
          expect((await outcome).exitCode).toBe(130);
        }),
      );
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });
});
