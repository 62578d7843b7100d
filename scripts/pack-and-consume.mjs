// Packs every package as it would be published, installs the tarballs outside the workspace as a user does, imports each
// one alone, typechecks a consumer, and runs the command from there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const work = mkdtempSync(join(tmpdir(), "parquetry-consume-"));

function run(command, args, cwd, env = {}) {
  return execFileSync(command, args, {
    cwd,
    // On Windows npm and npx are scripts of the shell; Node itself lies in a path with a space.
    shell: process.platform === "win32" && command !== process.execPath,
    encoding: "utf8",
    env: { ...process.env, npm_config_fund: "false", npm_config_audit: "false", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** The packages, each with the tarball that `pnpm pack` makes of it. */
function packAll() {
  const packages = new Map();
  const tarballs = join(work, "tarballs");
  mkdirSync(tarballs);
  for (const folder of readdirSync(join(ROOT, "packages"))) {
    const cwd = join(ROOT, "packages", folder);
    const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
    const before = new Set(readdirSync(tarballs));
    run("npx", ["-y", "pnpm@12", "pack", "--pack-destination", tarballs], cwd);
    const [tarball] = readdirSync(tarballs).filter((file) => !before.has(file));
    packages.set(manifest.name, { manifest, file: join(tarballs, tarball) });
  }
  return packages;
}

/** The package and every package of ours that it needs. */
function closure(packages, name, found = new Set()) {
  found.add(name);
  for (const dependency of Object.keys(packages.get(name).manifest.dependencies ?? {})) {
    if (packages.has(dependency) && !found.has(dependency)) closure(packages, dependency, found);
  }
  return found;
}

function install(packages, names, folder) {
  const cwd = join(work, folder);
  mkdirSync(cwd);
  const tarballs = Object.fromEntries([...names].map((name) => [name, `file:${packages.get(name).file}`]));
  writeFileSync(
    join(cwd, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module", dependencies: tarballs }, null, 2),
  );
  run("npm", ["install", "--prefer-offline", "--no-package-lock", "--loglevel=error"], cwd);
  return cwd;
}

function isInstalled(cwd, name) {
  return existsSync(join(cwd, "node_modules", ...name.split("/")));
}

/** Typechecks the example of every README as a user would write it, and runs those that need no account. */
function runReadmeExamples(packages, cwd, data) {
  const examples = [];
  for (const name of packages.keys()) {
    const readme = readFileSync(join(cwd, "node_modules", ...name.split("/"), "README.md"), "utf8");
    const [, flags, code] = /```ts([^\n]*)\n([\s\S]*?)```/.exec(readme) ?? [];
    if (code === undefined) continue;
    const file = `${name.replace(/^@parquetry\//, "")}-example`;
    writeFileSync(join(cwd, `${file}.ts`), code);
    examples.push({ name, file, runs: !flags.includes("no-run") });
  }
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    lib: ["es2023", "esnext.disposable"],
    strict: true,
    types: ["node"],
  };
  writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  run(process.execPath, [join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", "."], cwd);
  for (const { name, file, runs } of examples) {
    if (runs) run(process.execPath, [`${file}.js`], cwd, { PARQUETRY_DATA_ROOT: data });
    console.log(`${name}: the example of its README typechecks${runs ? " and runs" : ""}`);
  }
}

try {
  const packages = packAll();

  for (const name of packages.keys()) {
    const cwd = install(packages, closure(packages, name), name.replace("/", "-"));
    const entries = Object.keys(packages.get(name).manifest.exports).filter(
      (entry) => entry !== "./package.json",
    );
    for (const entry of entries) {
      const specifier = name + entry.slice(1);
      const program = `const m = await import(${JSON.stringify(specifier)}); console.log(Object.keys(m).length)`;
      const count = Number(run(process.execPath, ["--input-type=module", "-e", program], cwd));
      assert.ok(count > 0, `${specifier} exports something`);
      console.log(`${specifier}: imported alone, ${count} exports`);
    }
    if (name !== "@parquetry/query")
      assert.ok(!isInstalled(cwd, "@duckdb/node-api"), `${name} brings no DuckDB`);
    if (name === "@parquetry/core" || name === "@parquetry/backend-local" || name === "@parquetry/query") {
      assert.ok(!isInstalled(cwd, "@aws-sdk"), `${name} brings no AWS SDK`);
    }
  }

  const cwd = install(packages, packages.keys(), "everything");
  run(
    "npm",
    ["install", "--prefer-offline", "--no-package-lock", "--loglevel=error", "--no-save", "@types/node@20"],
    cwd,
  );
  const data = join(cwd, "data");
  for (const [partition, rows] of [
    ["raw/games/year=2024", "team,points\nRice,7\n"],
    ["raw/plays/year=2024/week=1", "game_id,team,yards\n401525416,Rice,5\n"],
  ]) {
    mkdirSync(join(data, partition), { recursive: true });
    writeFileSync(join(data, partition, "data.csv"), rows);
  }
  runReadmeExamples(packages, cwd, data);

  mkdirSync(join(cwd, "to"));
  const parquetry = (...args) =>
    run("npx", ["--no-install", "parquetry", ...args], cwd, { PARQUETRY_DATA_ROOT: data });
  assert.match(parquetry("--version"), /^\d+\.\d+\.\d+/);
  parquetry("plan", "--from", "data", "--to", "to");
  parquetry("migrate", "--from", "data", "--to", "to", "--quiet");
  assert.match(
    parquetry("verify", "--from", "data", "--to", "to", "--level", "full"),
    /raw: local=\d+ cloud=\d+ missing=0 extra=0 differing=0/,
  );
  assert.match(parquetry("query", "SELECT team, points FROM games", "--format", "csv"), /Rice,7/);
  const scores = join(data, "raw", "scores", "year=2024");
  mkdirSync(scores, { recursive: true });
  parquetry("query", "SELECT team, points FROM games", "--output", join(scores, "scores.parquet"));
  assert.match(parquetry("ddl", "raw/scores", "--engine", "trino"), /CREATE TABLE/i);
  parquetry("cache");
  console.log("the parquetry command works");
} finally {
  rmSync(work, { recursive: true, force: true });
}
