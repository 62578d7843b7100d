// Runs every check in one command; with `--servers` also the suite against third-party S3 servers, and the tests on Trino. Prints one line per step and
// finally `N passed, N failed, N skipped`: every test of every package, and every other step as one.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { devNull } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const PACKAGES = readdirSync(join(ROOT, "packages")).map((name) => join(ROOT, "packages", name));
const total = { passed: 0, failed: 0, skipped: 0 };
/** The failures, repeated at the end, where they are found without reading the whole output. */
const failures = [];

// Where a person keeps data, and by which keys, must not matter to any step.
const OWN_SETTINGS = /^(AWS|CFB|PARQUETRY_(CACHE|DATA|R2|S3|STORAGE))_|^PARQUETRY_TRINO_(?!SECONDS)/;
for (const name of Object.keys(process.env)) if (OWN_SETTINGS.test(name)) delete process.env[name];
process.env.AWS_CONFIG_FILE = devNull;
process.env.AWS_SHARED_CREDENTIALS_FILE = devNull;

// On Windows the tools in .bin are shell scripts, and Node is in a path with a space.
const shellFor = (command) => process.platform === "win32" && command !== process.execPath;

function ended(name, startedAt, status) {
  const ok = status === 0;
  if (!ok) failures.push(`step ${name}`);
  console.log(
    `=== ${name}: ${ok ? "passed" : "FAILED"} in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`,
  );
  return ok;
}

/** Runs one step and shows its output. */
function step(name, command, args, cwd = ROOT) {
  console.log(`\n=== ${name}`);
  const startedAt = Date.now();
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", shell: shellFor(command) });
  return ended(name, startedAt, status);
}

/** Runs one step next to another, and shows its output when it has ended. */
async function stepAside(name, command, args, cwd = ROOT) {
  const startedAt = Date.now();
  const child = spawn(command, args, {
    ...{ cwd, shell: shellFor(command) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(chunk));
  const status = await new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", resolve);
  });
  console.log(`\n=== ${name}\n${Buffer.concat(output).toString().trimEnd()}`);
  return ended(name, startedAt, status);
}

/** Counts steps that need one processor each, and run two at a time. */
async function countPairs(steps) {
  const waiting = [...steps];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) count(await next());
  };
  await Promise.all([lane(), lane()]);
}

function count(ok) {
  if (ok) total.passed++;
  else total.failed++;
}

/** Adds up the results that vitest wrote. Missing results are a failure. */
function countTests(ok, files) {
  const failedBefore = total.failed;
  for (const file of files) {
    if (!existsSync(file)) {
      console.log(`no test results in ${file}`);
      total.failed++;
      continue;
    }
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(file, "utf8"),
    );
    for (const { name, status, message, assertionResults } of testResults) {
      if (status === "failed" && message) failures.push(`${relative(ROOT, name)}: ${message}`);
      for (const test of assertionResults.filter((test) => test.status === "failed")) {
        failures.push(`${relative(ROOT, name)}: ${test.fullName}\n${test.failureMessages.join("\n")}`);
      }
    }
    total.passed += numPassedTests;
    total.failed += numFailedTests;
    total.skipped += numPendingTests + numTodoTests;
  }
  if (!ok && total.failed === failedBefore) total.failed++;
}

/** The seed of the attacks: it changes each day and is the same for every job of a day. */
const seed = process.env.PARQUETRY_SEED ?? `${Math.floor(Date.now() / 86_400_000)}`;
const bin = (name) => join(ROOT, "node_modules", ".bin", name);
const turbo = (...tasks) => [join(ROOT, "scripts", "turbo.mjs"), "run", ...tasks];

for (const folder of [ROOT, ...PACKAGES]) rmSync(join(folder, ".vitest"), { recursive: true, force: true });

count(step("lint", bin("biome"), ["ci", "."]));
count(step("build", process.execPath, turbo("build", "--output-logs=errors-only")));
count(step("typecheck", process.execPath, turbo("typecheck", "--output-logs=errors-only")));
countTests(
  step(
    "test",
    process.execPath,
    turbo("test", "test:house", "--continue", "--force", "--concurrency=2", "--output-logs=new-only"),
  ),
  [ROOT, ...PACKAGES].map((folder) => join(folder, ".vitest", "results.json")),
);
count(step("knip", bin("knip"), []));
count(
  step(`attacks, PARQUETRY_SEED=${seed}`, process.execPath, [
    join(ROOT, "soak", "attack.mjs"),
    "--minutes",
    "0.5",
    "--seed",
    seed,
  ]),
);
const program = (name, ...path) => [name, process.execPath, [join(ROOT, ...path)]];
// The longest first.
await countPairs([
  () => stepAside(...program("pack matrix", "scripts", "pack-matrix.mjs")),
  () => stepAside(...program("pack and consume", "scripts", "pack-and-consume.mjs")),
  // VitePress fails on links to missing pages, and docs/.vitepress/config.mjs on missing anchors.
  async () =>
    (await stepAside("docs", process.execPath, ["generate.mjs"], join(ROOT, "docs"))) &&
    (await stepAside(
      "docs site",
      join(ROOT, "docs", "node_modules", ".bin", "vitepress"),
      ["build"],
      join(ROOT, "docs"),
    )),
  () => stepAside(...program("demo", "examples", "flights", "demo.mjs")),
  () => stepAside(...program("browser example", "examples", "browser", "demo.mjs")),
  () => stepAside(...program("edge example", "examples", "edge", "demo.mjs")),
  () => stepAside(...program("licences", "scripts", "licences.mjs")),
  ...PACKAGES.flatMap((folder) => {
    const name = folder.slice(ROOT.length + 10);
    const attw = ["--pack", folder, "--profile", "esm-only", "--quiet"];
    return [
      () => stepAside(`publint ${name}`, bin("publint"), ["run", "--strict", "--pack", "npm", folder]),
      () => stepAside(`are the types wrong: ${name}`, bin("attw"), attw),
    ];
  }),
]);
if (process.argv.includes("--servers")) {
  countTests(step("servers", process.execPath, [join(ROOT, "scripts", "servers.mjs")]), [
    join(ROOT, "packages", "backend-s3", ".vitest", "servers.json"),
  ]);
  countTests(step("engines", process.execPath, [join(ROOT, "scripts", "engines.mjs"), "testkit"]), [
    join(ROOT, "packages", "trino", ".vitest", "engines.json"),
  ]);
}

for (const failure of failures) console.log(`\nFAILED ${failure}`);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);
