// Packs every package as it would be published, installs each tarball alone outside the workspace, as a user does, imports it
// and measures the installation. Then typechecks and runs the READMEs' examples, and runs the command from an installation
// of `parquetry` alone. `--write` updates the table of install sizes in the README; otherwise the table is compared with what
// was measured.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packAll, run } from "./pack-all.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BEGIN = "<!-- install sizes: made by scripts/pack-and-consume.mjs -->";
const END = "<!-- /install sizes -->";
/** The installations in the README. Sizes are those of Linux on x64; native parts differ elsewhere. */
const IN_README = ["parquetry", "@parquetry/migrate-cli", "@parquetry/query", "@parquetry/core"];
const TOLERANCE = 0.1;

const work = mkdtempSync(join(tmpdir(), "parquetry-consume-"));

/** Installs packages in an empty directory, and nothing else: the other packages are only found if one of these needs them. */
function install(packages, names, folder) {
  const cwd = join(work, folder);
  mkdirSync(cwd);
  const tarballs = [...packages].map(([name, { file }]) => [name, `file:${file}`]);
  const manifest = {
    name: "consumer",
    private: true,
    type: "module",
    dependencies: Object.fromEntries(tarballs.filter(([name]) => names.includes(name))),
    overrides: Object.fromEntries(tarballs.filter(([name]) => !names.includes(name))),
  };
  writeFileSync(join(cwd, "package.json"), JSON.stringify(manifest, null, 2));
  run("npm", ["install", "--prefer-offline", "--no-package-lock", "--loglevel=error"], cwd);
  return cwd;
}

function isInstalled(cwd, name) {
  return existsSync(join(cwd, "node_modules", ...name.split("/")));
}

/** Counts the installed packages and adds up the sizes of their files. */
function measure(cwd) {
  let count = 0;
  let bytes = 0;
  for (const entry of readdirSync(join(cwd, "node_modules"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    bytes += statSync(path).size;
    if (/node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+[\\/]package\.json$/.test(path)) count++;
  }
  return { count, mb: bytes / 1e6 };
}

/** Writes the table of the README, or compares its figures with those that were measured. */
function settleSizes(sizes) {
  const file = join(ROOT, "README.md");
  const [before, rest = ""] = readFileSync(file, "utf8").split(BEGIN);
  const [stated, after] = rest.split(END);
  assert.ok(after !== undefined, "the README has markers for the install sizes");
  const rows = IN_README.map((name) => {
    const { mb, count } = sizes.get(name);
    return `| \`npm install ${name}\` | ${mb < 10 ? mb.toFixed(1) : mb.toFixed(0)} MB | ${count} |`;
  });
  if (process.argv.includes("--write")) {
    const table = ["| you install | size | packages |", "| --- | --: | --: |", ...rows].join("\n");
    writeFileSync(file, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
    return;
  }
  const isReference = process.platform === "linux" && process.arch === "x64";
  for (const name of IN_README) {
    const [, mb, count] =
      new RegExp(`npm install ${name}\`\\s*\\|\\s*([\\d.]+) MB\\s*\\|\\s*(\\d+)\\s*\\|`).exec(stated) ?? [];
    const measured = sizes.get(name);
    const isRight =
      Math.abs(mb / measured.mb - 1) <= TOLERANCE && Math.abs(count / measured.count - 1) <= TOLERANCE;
    const difference = `README: ${name} takes ${mb} MB in ${count} packages; measured ${measured.mb.toFixed(1)} MB in ${measured.count}`;
    if (isReference) assert.ok(isRight, `${difference}. Run \`node scripts/pack-and-consume.mjs --write\``);
    else if (!isRight) console.log(difference);
  }
}

/** Typechecks the example of every README as a user would write it, and runs those that need no account. */
function runReadmeExamples(packages, cwd, data) {
  const examples = [];
  const readmes = [...packages.keys()].map((name) => [
    name,
    join(cwd, "node_modules", ...name.split("/"), "README.md"),
  ]);
  for (const [name, readme] of [["workspace", join(ROOT, "README.md")], ...readmes]) {
    const [, flags, code] = /```ts([^\n]*)\n([\s\S]*?)```/.exec(readFileSync(readme, "utf8")) ?? [];
    if (code === undefined) continue;
    const file = `${name.replace(/^@parquetry\//, "")}-example`;
    writeFileSync(join(cwd, `${file}.ts`), code);
    // As a reader saves it: an example is plain JavaScript, too, for the oldest Node.
    writeFileSync(join(cwd, `${file}.mjs`), code);
    examples.push({ name, file, runs: !flags.includes("no-run") });
  }
  const compilerOptions = {
    module: "nodenext",
    noEmit: true,
    target: "es2022",
    lib: ["es2023", "esnext.disposable"],
    strict: true,
    types: ["node"],
  };
  writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const tsc = spawnSync(
    process.execPath,
    [join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", "."],
    { cwd, encoding: "utf8" },
  );
  assert.equal(tsc.status, 0, tsc.stdout);
  for (const { name, file, runs } of examples) {
    run(process.execPath, [...(runs ? [] : ["--check"]), `${file}.mjs`], cwd, { PARQUETRY_DATA_ROOT: data });
    console.log(`${name}: the example of its README typechecks${runs ? " and runs" : ""}`);
  }
}

/** A small data root. */
function makeData(data) {
  for (const [partition, rows] of [
    ["raw/games/year=2024", "team,points\nRice,7\n"],
    ["raw/plays/year=2024/week=1", "game_id,team,yards\n401525416,Rice,5\n"],
  ]) {
    mkdirSync(join(data, partition), { recursive: true });
    writeFileSync(join(data, partition, "data.csv"), rows);
  }
  return data;
}

/** Runs the command as `npx parquetry` does in a directory that has only `parquetry` installed. */
function runCommand(cwd) {
  const data = makeData(join(cwd, "data"));
  mkdirSync(join(cwd, "to"));
  const parquetry = (...args) =>
    run("npx", ["--no-install", "parquetry", ...args], cwd, { PARQUETRY_DATA_ROOT: data });
  assert.match(parquetry("--version"), /^parquetry \d+\.\d+\.\d+\nduckdb +\d+\.\d+\.\d+/);
  assert.match(parquetry("--help"), /migrate[\s\S]*query/);
  assert.match(parquetry("query", "SELECT 1 AS one", "--format", "csv"), /^one\r?\n1\r?\n/);
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
  console.log("parquetry: the command works where it alone is installed");
}

/** Removes DuckDB's native library, as `npm install --omit=optional` does, and checks that everything that needs it names it. */
function withoutNativeLibrary(cwd) {
  const library = `@duckdb/node-bindings-${process.platform}-${process.arch}`;
  for (const name of readdirSync(join(cwd, "node_modules", "@duckdb")))
    if (name.startsWith("node-bindings-"))
      rmSync(join(cwd, "node_modules", "@duckdb", name), { recursive: true });
  const data = join(cwd, "data");
  const parquetry = (...args) =>
    spawnSync(process.execPath, [join(cwd, "node_modules/parquetry/dist/bin/parquetry.js"), ...args], {
      cwd,
      encoding: "utf8",
      env: { ...process.env, PARQUETRY_DATA_ROOT: data },
    });
  const isNamed = (text, where) =>
    assert.ok(
      [library, "is not installed", "--include=optional"].every((part) => text.includes(part)),
      `${where} names the missing library and the remedy: ${text}`,
    );
  const query = parquetry("query", "--json", "SELECT 1");
  assert.equal(query.status, 2);
  isNamed(query.stdout, "parquetry query");
  const doctor = parquetry("doctor");
  assert.equal(doctor.status, 0);
  isNamed(doctor.stdout, "parquetry doctor");
  assert.ok(parquetry("--version").stdout.includes(`without its native library: ${library}`));
  for (const isolate of [true, false]) {
    const program = `import { openQuery, openStorage } from "parquetry";
      await openStorage(${JSON.stringify(data)}).then((storage) => openQuery(storage, { isolate: ${isolate} }))
        .then((db) => db.sql("SELECT 1")).catch((error) => console.log(error.code, error.message));`;
    const text = run(process.execPath, ["--input-type=module", "-e", program], cwd);
    assert.match(text, /^not_supported /);
    isNamed(text, `openQuery with isolate: ${isolate}`);
  }
  console.log(`parquetry: without ${library}, it is named, and how to install it`);
}

try {
  const packages = packAll(work);
  const sizes = new Map();
  for (const name of packages.keys()) {
    const cwd = install(packages, [name], name.replace("/", "-"));
    const entries = Object.keys(packages.get(name).manifest.exports).filter(
      (entry) => entry !== "./package.json" && entry !== "./command",
    );
    for (const entry of entries) {
      const specifier = name + entry.slice(1);
      const program = `const m = await import(${JSON.stringify(specifier)}); console.log(Object.keys(m).length)`;
      const count = Number(run(process.execPath, ["--input-type=module", "-e", program], cwd));
      assert.ok(count > 0, `${specifier} exports something`);
      console.log(`${specifier}: imported alone, ${count} exports`);
    }
    const size = measure(cwd);
    sizes.set(name, size);
    console.log(`${name}: ${size.mb.toFixed(1)} MB in ${size.count} packages`);
    const has = (dependency) => isInstalled(cwd, dependency);
    assert.equal(
      has("@duckdb/node-api"),
      ["@parquetry/query", "@parquetry/trino", "@parquetry/ui", "parquetry"].includes(name),
      `${name} and DuckDB`,
    );
    if (["@parquetry/core", "@parquetry/backend-local", "@parquetry/query"].includes(name))
      assert.ok(!has("@aws-sdk"), `${name} installs no AWS SDK`);
    if (name === "parquetry") {
      runCommand(cwd);
      withoutNativeLibrary(cwd);
    }
  }
  settleSizes(sizes);

  const cwd = install(packages, [...packages.keys()], "everything");
  run(
    "npm",
    ["install", "--prefer-offline", "--no-package-lock", "--loglevel=error", "--no-save", "@types/node@20"],
    cwd,
  );
  runReadmeExamples(packages, cwd, makeData(join(cwd, "data")));
} finally {
  rmSync(work, { recursive: true, force: true });
}
