import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { partition, type Storage } from "@parquetry/core";
import { openStorage } from "@parquetry/storage";
import { describe, expect, it } from "vitest";
import { createWorld, jsonLines, runScript, SCRIPT, summaryOf, type World } from "./support/command.ts";

const PACKAGES = fileURLToPath(new URL("../../", import.meta.url));

/** Writes one table as two files of one partition, which `compact` makes one. */
async function writeTwice(storage: Storage, team: string): Promise<void> {
  for (const yards of [1, 2])
    await storage.write("raw/plays", [{ team, yards }], partition({ year: 2024 }), { overwrite: false });
}

/** A world whose `.env` names the data folder, and `bucket.env` the bucket; both hold the same table with other rows. */
async function twoPlaces(): Promise<World> {
  const world = await createWorld();
  const { accessKeyId, secretAccessKey } = world.server.credentials;
  const variables = {
    PARQUETRY_R2_ACCESS_KEY: accessKeyId,
    PARQUETRY_R2_SECRET_KEY: secretAccessKey,
    PARQUETRY_R2_ENDPOINT: world.server.endpoint,
  };
  await using local = await openStorage(world.data);
  await using remote = await openStorage("r2://football", { env: variables });
  await writeTwice(local, "Owls");
  await writeTwice(remote, "Hawks");
  const all = { PARQUETRY_STORAGE_BACKEND: "r2", PARQUETRY_R2_BUCKET: "football", ...variables };
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(world.folder, "bucket.env"), lines.join(""));
  return world;
}

const localFiles = ({ data }: World): readonly string[] =>
  readdirSync(join(data, "raw/plays/year=2024")).filter((name) => name.endsWith(".parquet"));

describe("an output that cannot be written", () => {
  it.each(["table", "csv", "tsv", "json", "ndjson", "markdown", "parquet"])(
    "ends the command with 0 if its reader has gone away: %s",
    async (format) => {
      await using world = await createWorld();
      const { child, outcome } = world.start([
        "query",
        "SELECT range FROM range(300000)",
        "--format",
        format,
      ]);
      child.stdout?.once("data", () => child.stdout?.destroy());
      expect(await outcome).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining("error") });
    },
  );

  it.skipIf(!existsSync("/dev/full"))("fails, and says why, if it is a file on a full disk", async () => {
    await using world = await createWorld();
    for (const [rows, format] of [
      [1, "csv"],
      [300_000, "csv"],
      [300_000, "parquet"],
    ]) {
      const query = ["query", `SELECT range FROM range(${rows})`, "--format", `${format}`];
      const full = openSync("/dev/full", "w");
      const { status, stderr } = spawnSync(process.execPath, [SCRIPT, ...query], {
        cwd: world.folder,
        stdio: ["ignore", full, "pipe"],
        encoding: "utf8",
      });
      closeSync(full);
      expect([status, stderr]).toEqual([2, "error: the output cannot be written: the disk is full.\n"]);
    }
  });
});

describe("--env-file chooses the place of SQL commands", () => {
  it.each(["before", "after"])("%s the command", async (where) => {
    await using world = await twoPlaces();
    const call = (...args: readonly string[]): ReturnType<World["run"]> => {
      const file = ["--env-file", "bucket.env"];
      return world.run(where === "before" ? [...file, ...args] : [...args, ...file]);
    };
    expect((await call("query", "SELECT DISTINCT team FROM plays")).stdout).toBe("team\nHawks\n");
    expect((await call("ddl", "plays", "--engine", "trino")).stdout).toContain("://football/raw/plays/'");
    expect((await call("files", "FROM plays")).stdout).toMatch(
      /^(s3:\/\/football\/raw\/plays\/year=2024\/[^/\n]+\.parquet\n){2}$/,
    );
    const before = localFiles(world);
    expect(before).toHaveLength(2);
    const compacted = await call("compact", "raw/plays", "--json");
    expect(summaryOf(compacted)).toMatchObject({ exitCode: 0, compacted: [{ filesBefore: 2 }] });
    expect(localFiles(world)).toEqual(before);
    const count = await call("query", "--explain", "--json", "FROM plays");
    expect(summaryOf(count)).toMatchObject({ tables: [{ files: 1 }] });
    expect((await world.run(["query", "SELECT DISTINCT team FROM plays"])).stdout).toBe("team\nOwls\n");
  });
});

describe("a store that cannot be reached", () => {
  const COMMANDS = [
    ["inventory", "r2://football"],
    ["cost", "r2://football"],
    ["plan"],
    ["migrate"],
    ["verify"],
    ["query", "FROM plays"],
    ["query", "--tables"],
    ["files", "FROM plays"],
    ["query", "--describe", "plays"],
    ["compact", "raw/plays"],
    ["ddl", "raw/plays", "--engine", "trino"],
  ];
  it.each(COMMANDS.map((args) => [args]))("ends %j with 2", async (args) => {
    await using world = await createWorld();
    world.write({ "raw/a": "1" });
    const env = { CFB_STORAGE_BACKEND: "r2", CFB_R2_ENDPOINT: "http://127.0.0.1:9" };
    const { exitCode, stderr } = await world.call(args, env);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/^error: .*cannot be reached/)]);
    const json = await world.call([...args, "--json"], env);
    expect(jsonLines(json.stdout).at(-1)).toMatchObject({ exitCode: 2, error: { code: "unavailable" } });
  });
});

describe("the bundle", () => {
  it("contains the page of parquetry ui and the SQL behind it", async () => {
    await using world = await createWorld();
    await using storage = await openStorage(world.data);
    await writeTwice(storage, "Owls");
    const { child, outcome } = world.start(["ui", "--json", "--no-open"]);
    try {
      const [line] = await once(createInterface(child.stdout as Readable), "line");
      const page = await fetch(JSON.parse(line).url);
      const cookie = page.headers.get("set-cookie") ?? "";
      const [, script = ""] = /src="([^"]+\.js)"/.exec(await page.text()) ?? [];
      const get = (path: string): Promise<Response> =>
        fetch(new URL(path, page.url), { headers: { cookie } });
      expect((await get(script)).headers.get("content-type")).toMatch(/^text\/javascript/);
      expect(await (await get("/api/describe?name=raw/plays")).json()).toMatchObject({
        entity: "raw/plays",
      });
    } finally {
      child.kill("SIGINT");
      await outcome;
    }
  });
});

describe("without @parquetry/query", () => {
  /** Installs this package as npm installs it alone: a copy, next to what it depends on. */
  function installAlone(folder: string): string {
    const modules = join(folder, "node_modules");
    const own = join(modules, "@parquetry/migrate-cli");
    mkdirSync(own, { recursive: true });
    for (const name of ["dist", "package.json"])
      cpSync(join(PACKAGES, "migrate-cli", name), join(own, name), { recursive: true });
    for (const name of ["core", "storage"])
      symlinkSync(realpathSync(join(PACKAGES, name)), join(modules, "@parquetry", name));
    return join(own, "dist/bin/parquetry.js");
  }

  it.each([
    ["query", "SELECT 1"],
    ["files", "FROM plays"],
    ["compact", "raw/plays"],
    ["ddl", "raw/plays", "--engine", "trino"],
    ["ui"],
  ])("%s says how to install it", async (...args) => {
    await using world = await createWorld();
    const { exitCode, stderr } = await runScript(installAlone(world.folder), args, world.folder);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`parquetry ${args[0]} needs @parquetry/query, which is not installed.`);
    expect(stderr).toContain("npm install parquetry (it includes @parquetry/query)");
    expect(stderr).toContain("npm install @parquetry/query next to @parquetry/migrate-cli");
  });

  it("runs what needs no DuckDB", async () => {
    await using world = await createWorld();
    const script = installAlone(world.folder);
    expect(await runScript(script, ["cache"], world.folder)).toMatchObject({ exitCode: 0, stderr: "" });
    const { stderr } = await runScript(script, ["query", "SELECT 1", "--engine", "trino"], world.folder);
    expect(stderr).toContain("PARQUETRY_TRINO_URL is not set");
  });
});
