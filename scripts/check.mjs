// Runs every check in one command; with `--servers` also the suite against third-party S3 servers, and the tests on Trino. Prints one line per step and
// finally `N passed, N failed, N skipped`: every test of every package, and every other step as one.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const PACKAGES = readdirSync(join(ROOT, "packages")).map((name) => join(ROOT, "packages", name));
const total = { passed: 0, failed: 0, skipped: 0 };
/** The failures, repeated at the end, where they are found without reading the whole output. */
const failures = [];

/** Runs one step and shows its output. */
function step(name, command, args, cwd = ROOT) {
  console.log(`\n=== ${name}`);
  const startedAt = Date.now();
  // On Windows the tools in .bin are shell scripts, and Node is in a path with a space.
  const shell = process.platform === "win32" && command !== process.execPath;
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", shell });
  const ok = status === 0;
  if (!ok) failures.push(`step ${name}`);
  console.log(
    `=== ${name}: ${ok ? "passed" : "FAILED"} in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`,
  );
  return ok;
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
// VitePress fails on links to missing pages, and docs/.vitepress/config.mjs on missing anchors.
count(
  step("docs", process.execPath, ["generate.mjs"], join(ROOT, "docs")) &&
    step("docs site", join(ROOT, "docs", "node_modules", ".bin", "vitepress"), ["build"], join(ROOT, "docs")),
);
count(step("knip", bin("knip"), []));
count(step("licences", process.execPath, [join(ROOT, "scripts", "licences.mjs")]));
for (const folder of PACKAGES) {
  const name = folder.slice(ROOT.length + 10);
  count(step(`publint ${name}`, bin("publint"), ["run", "--strict", "--pack", "npm", folder]));
  count(
    step(`are the types wrong: ${name}`, bin("attw"), ["--pack", folder, "--profile", "esm-only", "--quiet"]),
  );
}
count(
  step(`attacks, PARQUETRY_SEED=${seed}`, process.execPath, [
    join(ROOT, "soak", "attack.mjs"),
    "--minutes",
    "0.5",
    "--seed",
    seed,
  ]),
);
count(step("pack and consume", process.execPath, [join(ROOT, "scripts", "pack-and-consume.mjs")]));
count(step("pack matrix", process.execPath, [join(ROOT, "scripts", "pack-matrix.mjs")]));
count(step("demo", process.execPath, [join(ROOT, "examples", "flights", "demo.mjs")]));
count(step("browser example", process.execPath, [join(ROOT, "examples", "browser", "demo.mjs")]));
count(step("edge example", process.execPath, [join(ROOT, "examples", "edge", "demo.mjs")]));
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
