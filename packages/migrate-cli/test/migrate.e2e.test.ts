import { randomBytes } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createWorld, jsonLines, summaryOf, until } from "./support/command.ts";

/** Small files like the first user's: partitions with a manifest each. */
function season(weeks: number): Record<string, string | Uint8Array> {
  const files: Record<string, string | Uint8Array> = {
    "manifest.json": "{}",
    "processed/empty/_SUCCESS": "",
  };
  for (let week = 1; week <= weeks; week++) {
    files[`raw/plays/year=2024/week=${week}/data.parquet`] = randomBytes(1000 + week);
    files[`raw/plays/year=2024/week=${week}/manifest.json`] = `{"rows": ${week}}`;
    files[`processed/byteam/team=Texas%20A%26M/week=${week}/päss & rush.csv`] = `week,${week}\n`;
  }
  return files;
}

function tree(folder: string, below = ""): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) Object.assign(files, tree(folder, name));
    else if (entry.isFile()) files[name] = readFileSync(join(folder, name)).toString("base64");
  }
  return files;
}

describe.concurrent("parquetry migrate", () => {
  it("moves a tree to the cloud and back byte for byte, within its request budget", async () => {
    await using world = await createWorld();
    const large = randomBytes(9_000_000);
    world.write({ ...season(15), "raw/large.parquet": large });
    writeFileSync(join(world.data, "raw", "._plays"), "shadow");
    writeFileSync(join(world.data, ".DS_Store"), "folder");
    writeFileSync(join(world.data, ".env"), "PARQUETRY_R2_SECRET_KEY=secret");
    symlinkSync("/etc", join(world.data, "raw", "elsewhere"));

    const there = await world.run(["migrate"]);
    expect(there.stderr).toContain("left out  1 AppleDouble (._*), 1 .DS_Store, 1 .env");
    expect(there.stderr).toContain("raw/elsewhere: a symbolic link");
    expect(there.stdout.split("\n")[0]).toBe(
      ".: local=1 cloud=1 missing=0 extra=0 differing=0 unverifiable=0",
    );
    expect(there).toMatchObject({ exitCode: 0 });
    expect(world.server.requests.byOperation()).toEqual({
      ListObjectsV2: 1,
      PutObject: 47,
      CreateMultipartUpload: 1,
      UploadPart: 2,
      CompleteMultipartUpload: 1,
    });

    world.server.requests.reset();
    const again = await world.run(["migrate", "--json"]);
    expect(summaryOf(again)).toMatchObject({
      version: 1,
      type: "summary",
      command: "migrate",
      exitCode: 0,
      copied: { files: 0 },
    });
    expect(world.server.requests.byOperation()).toEqual({ ListObjectsV2: 1 });

    world.server.requests.reset();
    const verified = await world.run(["verify"]);
    expect(verified).toMatchObject({
      exitCode: 0,
      stdout:
        ".: local=1 cloud=1 missing=0 extra=0 differing=0 unverifiable=0\n" +
        "processed: local=16 cloud=16 missing=0 extra=0 differing=0 unverifiable=0\n" +
        "raw: local=31 cloud=31 missing=0 extra=0 differing=0 unverifiable=0\n",
    });
    expect(world.server.requests.byOperation()).toEqual({ ListObjectsV2: 1 });

    mkdirSync(join(world.folder, "back"));
    const back = await world.run(["migrate", "--from", "r2://football", "--to", "back"]);
    expect(back.exitCode).toBe(0);
    const expected = tree(world.data);
    for (const name of ["raw/._plays", ".DS_Store", ".env"]) delete expected[name];
    expect(tree(join(world.folder, "back"))).toEqual(expected);
  });

  it("plans exactly what it copies, without writing", async () => {
    await using world = await createWorld();
    world.write(season(3));
    const plan = await world.call(["plan", "--include", "raw/", "--where", "week=2..3"]);
    expect(plan.exitCode).toBe(0);
    expect(plan.stdout).toMatch(/^raw +4 +2\.0 kB +0$/m);
    expect(plan.stdout).toContain("requests  4 PUT, 1 LIST");
    expect(plan.stdout).toContain("prices of 2026-10");
    for (const line of plan.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(world.server.requests.byOperation()).toEqual({ ListObjectsV2: 1 });
  });

  it("finds a difference by content at the same size and time, leaves it alone, and overwrites it with --force", async () => {
    await using world = await createWorld();
    world.write({ "raw/a.csv": "same size 1", "raw/b.csv": "equal" });
    await world.call(["migrate"]);
    const file = join(world.data, "raw/a.csv");
    const { atime, mtime } = statSync(file);
    writeFileSync(file, "same size 2");
    utimesSync(file, atime, mtime);
    const left = await world.call(["migrate"]);
    expect(left.exitCode).toBe(1);
    expect(left.stderr).toContain("raw/a.csv");
    expect(left.stdout).toContain("raw: local=2 cloud=2 missing=0 extra=0 differing=1 unverifiable=0");
    expect((await world.call(["verify"])).exitCode).toBe(1);
    world.server.requests.reset();
    const forced = await world.call(["migrate", "--force"]);
    expect(forced.exitCode).toBe(0);
    // An object that differs by its listing costs one HEAD, since the ETag of an encrypted object is not an MD5.
    expect(world.server.requests.byOperation()).toEqual({ ListObjectsV2: 1, HeadObject: 1, PutObject: 1 });
    expect((await world.call(["verify", "--level", "full"])).exitCode).toBe(0);
  });

  it("continues after Ctrl-C, kill -9 and 20 % failures, and sends no file again that has arrived", async () => {
    await using world = await createWorld();
    world.write(season(100));
    const total = 302;
    const slow = { operation: "PutObject", fault: { kind: "latency", ms: 20 } } as const;
    world.server.setFaults([slow]);
    const { requests } = world.server;

    const gentle = world.start(["migrate", "--concurrency", "4"]);
    await until(() => requests.count("PutObject") >= 20);
    gentle.child.kill("SIGINT");
    const stopped = await gentle.outcome;
    expect(stopped).toMatchObject({ exitCode: 130 });
    expect(stopped.stdout).toContain("Interrupted");
    const afterInterrupt = requests.count("PutObject");
    expect(afterInterrupt).toBeLessThan(60);

    const killed = world.start(["migrate", "--concurrency", "4"]);
    await until(() => requests.count("PutObject") >= afterInterrupt + 40);
    killed.child.kill("SIGKILL");
    expect(await killed.outcome).toMatchObject({ signal: "SIGKILL" });

    world.server.setFaults([{ probability: 0.2, fault: { kind: "status", status: 503 } }]);
    const last = await world.call(["migrate"]);
    expect(last).toMatchObject({ exitCode: 0 });
    world.server.setFaults([]);
    expect((await world.call(["verify"])).exitCode).toBe(0);
    requests.reset();
    const { copied } = summaryOf(await world.call(["migrate", "--json"]));
    expect(copied).toEqual({ files: 0, bytes: 0 });
    expect(total).toBe(Object.keys(season(100)).length);
  });

  it("stops immediately at the second Ctrl-C", async () => {
    await using world = await createWorld();
    world.write(season(4));
    world.server.setFaults([{ operation: "PutObject", fault: { kind: "latency", ms: 60_000 } }]);
    const run = world.start(["migrate"]);
    await until(() => world.server.requests.count("PutObject") > 0);
    run.child.kill("SIGINT");
    let told = "";
    run.child.stderr?.on("data", (text: string) => {
      told += text;
    });
    await until(() => told.includes("again"));
    run.child.kill("SIGINT");
    expect((await run.outcome).exitCode).toBe(130);
    expect(told).toContain("Stopped immediately");
  });

  it("ends its JSON lines with a summary, also after the second Ctrl-C", async () => {
    await using world = await createWorld();
    world.write(season(4));
    world.server.setFaults([{ operation: "PutObject", fault: { kind: "latency", ms: 60_000 } }]);
    const run = world.start(["migrate", "--json"]);
    await until(() => world.server.requests.count("PutObject") > 0);
    run.child.kill("SIGINT");
    run.child.kill("SIGINT");
    // Two signals in immediate succession may arrive as one.
    const again = setInterval(() => run.child.kill("SIGINT"), 200);
    const { exitCode, stdout } = await run.outcome;
    clearInterval(again);
    expect(exitCode).toBe(130);
    const last: unknown = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    expect(last).toMatchObject({ version: 1, type: "summary", command: "migrate", exitCode: 130 });
  });

  it("names files that do not arrive, copies the rest, and reports both", async () => {
    await using world = await createWorld();
    world.write({ "raw/a.csv": "1", "raw/b.csv": "2", "raw/c.csv": "3" });
    await world.call(["migrate", "--include", "raw/c.csv"]);
    world.write({ "raw/c.csv": "4" });
    world.server.setFaults([{ operation: "PutObject", key: "raw/a.csv", fault: { kind: "flip-byte" } }]);
    const run = await world.call(["migrate", "--json", "--report", "report"]);
    expect(run.exitCode).toBe(1);
    const report = join(world.folder, "report");
    expect(readFileSync(join(report, "differing.txt"), "utf8")).toBe("raw/c.csv\n");
    expect(readFileSync(join(report, "missing.txt"), "utf8")).toContain("raw/a.csv\n");
    expect(readFileSync(join(report, "failed.txt"), "utf8")).toMatch(/^raw\/a\.csv\t/);
    expect(readFileSync(join(report, "report.html"), "utf8")).toContain("raw/c.csv");
    const { version: _, type: __, command: ___, ...summary } = summaryOf(run);
    expect(JSON.parse(readFileSync(join(report, "summary.json"), "utf8"))).toEqual(summary);
    expect(jsonLines(run.stdout).some(({ type, key }) => type === "failed" && key === "raw/a.csv")).toBe(
      true,
    );
  });
});

describe.concurrent("parquetry verify", () => {
  it("finds a wrong multipart object of the same size, which a listing cannot prove", async () => {
    await using other = await createWorld("s3");
    const right = randomBytes(9_000_000);
    other.write({ "raw/large.parquet": right, "raw/small.csv": "x" });
    expect((await other.call(["migrate"])).exitCode).toBe(0);
    // On S3, the ETag of parts of our size proves it on any machine.
    expect((await other.call(["verify"], { XDG_CACHE_HOME: join(other.folder, "elsewhere") })).exitCode).toBe(
      0,
    );
    const wrong = Buffer.from(right);
    wrong[4_000_000] = (wrong[4_000_000] ?? 0) ^ 1;
    other.write({ "raw/large.parquet": wrong });
    const byEtag = await other.call(["verify"]);
    expect(byEtag.exitCode).toBe(1);
    const full = await other.call(["verify", "--level", "full"]);
    expect(full.stdout).toBe("raw: local=2 cloud=2 missing=0 extra=0 differing=1 unverifiable=0\n");
    expect(full.exitCode).toBe(1);
  });

  it("reports unverifiable files, and fails unless that is allowed", async () => {
    await using world = await createWorld();
    world.write({ "raw/large.parquet": randomBytes(9_000_000) });
    await world.call(["migrate"]);
    const elsewhere = { XDG_CACHE_HOME: join(world.folder, "elsewhere") };
    const found = await world.call(["verify"], elsewhere);
    expect(found).toMatchObject({
      exitCode: 1,
      stdout: "raw: local=1 cloud=1 missing=0 extra=0 differing=0 unverifiable=1\n",
    });
    expect((await world.call(["verify", "--allow-unverified"], elsewhere)).exitCode).toBe(0);
    expect((await world.call(["verify", "--level", "full"], elsewhere)).exitCode).toBe(0);
    // The hash of a version that was read once is kept.
    world.server.requests.reset();
    expect((await world.call(["verify"], elsewhere)).exitCode).toBe(0);
    expect(world.server.requests.byOperation()).toEqual({ ListObjectsV2: 1 });
  });
});
