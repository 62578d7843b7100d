import { chmodSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENV_TEMPLATE } from "../src/env-template.ts";
import { createWorld, jsonLines, summaryOf, type World } from "./support/command.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
  world.write({
    "raw/plays/year=2024/week=1/a.parquet": "12345",
    "raw/plays/year=2024/week=2/a.parquet": "12345",
    "raw/plays/year=2024/week=2/manifest.json": "{}",
    "notes.txt": "x",
  });
});
afterAll(() => world[Symbol.asyncDispose]());

describe("the process", () => {
  it("sets the process's exit code", async () => {
    const run = await world.run(["inventory", "--include", "a{b"]);
    expect(run).toMatchObject({ exitCode: 2, stdout: "" });
    expect(run.stderr).toMatch(/^error: .*is not a pattern/);
  });

  it("reads --env-file, which Node reads as well where it stands behind the script", async () => {
    const file = join(world.folder, "other.env");
    writeFileSync(file, `CFB_MODEL_DATA_ROOT=${join(world.data, "raw")}\n`);
    for (const args of [
      ["inventory", "--env-file", file],
      [`--env-file=${file}`, "inventory"],
    ]) {
      expect((await world.run(args)).stdout).toContain("3 files");
    }
  });

  it("reads variables of another prefix, those of the shell before those of .env", async () => {
    const { stdout } = await world.call(["--env-prefix", "NFL", "inventory"], {
      NFL_DATA_ROOT: join(world.data, "raw"),
    });
    expect(stdout).toContain(`3 files, 12 B at ${join(world.data, "raw")}`);
    const shell = await world.call(["inventory"], { CFB_MODEL_DATA_ROOT: join(world.data, "raw/plays") });
    expect(shell.stdout).toContain(`at ${join(world.data, "raw/plays")}`);
  });
});

describe("configuration errors", () => {
  const SECRET = "s3cr3t-that-nobody-may-see";
  it("names every missing variable at once, shows no secret, and ends --json with a summary", async () => {
    const empty = join(world.folder, "empty.env");
    writeFileSync(
      empty,
      `PARQUETRY_STORAGE_BACKEND=r2\nPARQUETRY_R2_SECRET_KEY=${SECRET} broken\nPARQUETRY_DATA_ROOT=${world.data}\n`,
    );
    const run = await world.call(["migrate", "--env-file", empty, "--verbose"]);
    expect(run.exitCode).toBe(2);
    for (const name of ["R2_BUCKET", "R2_ACCOUNT_ID", "R2_ACCESS_KEY", "R2_SECRET_KEY"])
      expect(run.stderr).toContain(name);
    expect(run.stderr + run.stdout).not.toContain(SECRET);
    const json = await world.call(["migrate", "--env-file", empty, "--json"]);
    expect(summaryOf(json)).toMatchObject({ version: 1, exitCode: 2, error: { code: "invalid_argument" } });
    expect(summaryOf(json)).not.toHaveProperty("error.helpUrl");
    expect(json.stderr).toBe("");
  });

  it.each([
    ["wrong secret", { CFB_R2_SECRET_KEY: SECRET }, "check the access key", "unauthenticated"],
    ["no such bucket", { CFB_R2_BUCKET: "nowhere" }, "no such bucket", "not_found"],
    ["unreachable", { CFB_R2_ENDPOINT: "http://127.0.0.1:9" }, "cannot be reached", "unavailable"],
    ["no data root", { CFB_MODEL_DATA_ROOT: "/nowhere/at/all" }, "does not exist", undefined],
  ])("%s: one clear line and perhaps a link, exit 2", async (_, env, message, page) => {
    const { exitCode, stderr, stdout } = await world.call(["migrate"], env);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error: .*\n(?:Help: .*\n)?$/);
    expect(/Help: https:\/\/\S+\/errors#(\w+)/.exec(stderr)?.[1]).toBe(page);
    expect(stderr).toContain(message);
    expect(stderr + stdout).not.toContain(SECRET);
  });

  it.each([
    ["verify", "--where", "yer=2024"],
    ["verify", "--include", "rww/"],
    ["migrate", "--where", "yer=2024"],
    ["plan", "--include", "rww/"],
  ])("%s %s %s: nothing selected is an error, never equal", async (...args) => {
    const { exitCode, stderr, stdout } = await world.call(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("Nothing is selected");
    expect(stdout + stderr).not.toMatch(/Equal|everything is there/i);
  });

  it.each(["plan", "doctor", "migrate"])("%s refuses a backend that it does not know", async (command) => {
    const { exitCode, stderr, stdout } = await world.call([command], { PARQUETRY_STORAGE_BACKEND: "gcs" });
    expect(exitCode).not.toBe(0);
    expect(stderr + stdout).toContain('"gcs" is not one of local, r2, s3');
  });

  it.skipIf(process.platform === "win32")(
    "ends with 2 where the target may be listed but not written",
    async () => {
      const readOnly = join(world.folder, "read-only");
      mkdirSync(readOnly);
      chmodSync(readOnly, 0o555);
      chmodSync(world.folder, 0o755);
      // Root may write anywhere, so root becomes nobody for this.
      const isRoot = process.geteuid?.() === 0;
      if (isRoot) process.seteuid?.(65_534);
      try {
        const run = await world.call(["migrate", "--to", readOnly, "--quiet"]);
        expect(run).toMatchObject({ exitCode: 2, stdout: expect.stringContaining("every file fails") });
      } finally {
        if (isRoot) process.seteuid?.(0);
        chmodSync(readOnly, 0o755);
      }
    },
  );
});

describe("output", () => {
  it("is plain text when piped, and quiet when told", async () => {
    const { stdout, stderr } = await world.call(["inventory"]);
    expect(stdout + stderr).not.toContain("\u001b");
    expect(stdout).toContain("raw/plays      3   12 B           2  year/week");
    const quiet = await world.call(["plan", "-q"]);
    expect(quiet.stderr).toBe("");
  });

  it("has colour when asked for, and none with --no-color or NO_COLOR", async () => {
    const forced = { FORCE_COLOR: "1" };
    expect((await world.call(["inventory"], forced)).stdout).toContain("\u001b[1m");
    expect((await world.call(["inventory", "--no-color"], forced)).stdout).not.toContain("\u001b");
    expect((await world.call(["inventory"], { ...forced, NO_COLOR: "1" })).stdout).not.toContain("\u001b");
  });

  it("survives a reader that goes away", async () => {
    const run = world.start(["inventory", "--json"]);
    run.child.stdout?.destroy();
    expect(await run.outcome).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it("is JSON lines with --json, each with version, type and command", async () => {
    const { stdout, stderr } = await world.call(["plan", "--json"]);
    for (const line of jsonLines(stdout))
      expect(line).toMatchObject({ version: 1, command: "plan", type: expect.any(String) });
    expect(summaryOf({ stdout, stderr, exitCode: 0, signal: null })).toMatchObject({
      type: "summary",
      dryRun: true,
      requests: { targetPut: 4, targetList: 1 },
      cost: { pricesOf: "2026-10" },
    });
    expect(stderr).toBe("");
  });
});

describe("init", () => {
  it("writes the template for its owner alone, and never over an existing file", async () => {
    const first = await world.run(["init", "fresh.env"]);
    const path = join(world.folder, "fresh.env");
    expect(first).toMatchObject({ exitCode: 0, stdout: `Wrote ${path}\n` });
    expect(readFileSync(path, "utf8")).toBe(ENV_TEMPLATE);
    expect(statSync(path).mode & 0o077).toBe(0);
    writeFileSync(path, "mine");
    expect((await world.call(["init", "fresh.env"])).exitCode).toBe(2);
    expect(readFileSync(path, "utf8")).toBe("mine");
  });
});

describe("doctor", () => {
  it("checks both ends and leaves nothing behind", async () => {
    const sound = join(world.folder, "sound");
    mkdirSync(join(sound, "raw/year=2024"), { recursive: true });
    writeFileSync(join(sound, "raw/year=2024/a.csv"), "a\n1\n");
    const left = join(sound, "raw/year=2024/.parquetry-0123456789abcdef01234567.tmp");
    writeFileSync(left, "half");
    utimesSync(left, 1, 1);
    const { exitCode, stdout } = await world.call(["doctor"], { CFB_MODEL_DATA_ROOT: sound });
    expect(exitCode).toBe(0);
    for (const check of ["data root: delete", "cloud: list", "cloud: write", "cloud: read", "cloud: delete"])
      expect(stdout).toContain(`✓ ${check}`);
    const text = stdout.replace(/\s+/g, " ");
    expect(text).toContain("! data root: leftovers of killed processes: 4 B, 1 left: ");
    expect(text.replaceAll(" ", "")).toContain(left);
    expect(summaryOf(await world.call(["inventory", "r2://football", "--json"]))).toMatchObject({ files: 0 });
  });

  it("fails for damaged data files, and names them and what stops other engines", async () => {
    const { exitCode, stdout } = await world.call(["doctor"]);
    expect(exitCode).toBe(1);
    const text = stdout.replace(/\s+/g, " ");
    expect(text).toContain(
      "✗ partitions: data files: 2 empty, truncated or unreadable: raw/plays/year=2024/",
    );
    expect(text).toContain("! partitions: manifests: 1 stop pandas, pyarrow and Spark: raw/plays/year=2024/");
    expect(text).toContain(`parquetry repair --from ${world.data} (--dry-run first)`);
  });

  it("fails with the remedy", async () => {
    const { exitCode, stdout } = await world.call(["doctor"], { CFB_R2_SECRET_KEY: "wrong" });
    // Nothing in that store could be checked: every other command ends with 2 there.
    expect(exitCode).toBe(2);
    expect((await world.call(["plan"], { CFB_R2_SECRET_KEY: "wrong" })).exitCode).toBe(2);
    expect(stdout).toContain("✗ cloud: list");
    expect(stdout).toContain("Check the access key and the secret key");
    expect(stdout).not.toContain("wrong\n");
  });
});

it.each([
  [
    "no server answers",
    ["--to", "s3://football"],
    { CFB_S3_ENDPOINT: "http://127.0.0.1:1", CFB_S3_MAX_ATTEMPTS: "1" },
  ],
  ["the data root does not exist", ["--from", "no-such-folder"], {}],
])("doctor ends with 2 where nothing in a store could be checked: %s", async (_, flags, env) => {
  const { exitCode, stdout } = await world.call(["doctor", ...flags], env);
  expect(stdout).toContain("✗");
  expect(exitCode).toBe(2);
});

describe("cost", () => {
  it("shows R2 beside S3, by another price table where one is given", async () => {
    const { stdout } = await world.call(["cost"]);
    expect(stdout).toMatch(/prices of 2026-10 +Cloudflare R2 +AWS S3/);
    expect(summaryOf(await world.call(["cost", "--json"]))).toMatchObject({ pricesOf: "2026-10", files: 4 });
  });

  it("counts the requests of large files as the plan of their upload, and of their download, does", async () => {
    await using other = await createWorld();
    other.write({ "raw/small.bin": new Uint8Array(1000), "raw/large.bin": new Uint8Array(40 * 1024 ** 2) });
    const cost = summaryOf(await other.call(["cost", "--json"]))["requests"];
    // 5 parts of 8 MiB and 2 requests around them; a range of 32 MiB and the rest.
    expect(cost).toEqual({ put: 8, get: 3, list: 1 });
    const up = summaryOf(await other.call(["plan", "--json"]))["requests"];
    expect(up).toMatchObject({ targetPut: 8 });
    expect((await other.call(["migrate", "--json"])).exitCode).toBe(0);
    mkdirSync(join(other.folder, "back"));
    const down = summaryOf(await other.call(["plan", "--json", "--from", "r2://football", "--to", "back"]));
    expect(down["requests"]).toMatchObject({ sourceGet: 3 });
    expect(summaryOf(await other.call(["cost", "--json", "r2://football"]))["requests"]).toEqual(cost);
  });
});

describe("names", () => {
  it("are listed up to ten, and then by the flag that the command has", async () => {
    await using other = await createWorld();
    other.write(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`raw/${i}`, "right"])));
    expect((await other.call(["migrate"])).exitCode).toBe(0);
    other.write(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`raw/${i}`, "wrong!"])));
    for (const plan of [["plan"], ["migrate", "--dry-run"]])
      expect((await other.call(plan)).stderr).toContain("2 more; --json lists them all");
    expect((await other.call(["verify"])).stderr).toContain("2 more; --report DIR lists them all");
  });
});
