// Everything that must stay true but the slow S3 servers, in one command. Prints one line a step and, at the end,
// `N passed, N failed, N skipped`: every test of every package, and every other step as one.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const PACKAGES = readdirSync(join(ROOT, "packages")).map((name) => join(ROOT, "packages", name));
const total = { passed: 0, failed: 0, skipped: 0 };

/** Runs one step; what it prints is shown. */
function step(name, command, args, cwd = ROOT) {
  console.log(`\n=== ${name}`);
  const startedAt = Date.now();
  // On Windows the tools in .bin are scripts of the shell; Node itself lies in a path with a space.
  const shell = process.platform === "win32" && command !== process.execPath;
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", shell });
  const ok = status === 0;
  console.log(
    `=== ${name}: ${ok ? "passed" : "FAILED"} in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`,
  );
  return ok;
}

function count(ok) {
  if (ok) total.passed++;
  else total.failed++;
}

/** Adds up what vitest wrote. A package whose tests did not run at all is a failure. */
function countTests(ok) {
  for (const folder of [ROOT, ...PACKAGES]) {
    const file = join(folder, ".vitest", "results.json");
    if (!existsSync(file)) {
      console.log(`no test results in ${folder}`);
      total.failed++;
      continue;
    }
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(file, "utf8"),
    );
    total.passed += numPassedTests;
    total.failed += numFailedTests;
    total.skipped += numPendingTests + numTodoTests;
  }
  if (!ok && total.failed === 0) total.failed++;
}

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
    turbo("test", "test:house", "--continue", "--force", "--output-logs=new-only"),
  ),
);
count(step("knip", bin("knip"), []));
for (const folder of PACKAGES) {
  const name = folder.slice(ROOT.length + 10);
  count(step(`publint ${name}`, bin("publint"), ["run", "--strict", "--pack", "npm", folder]));
  count(
    step(`are the types wrong: ${name}`, bin("attw"), ["--pack", folder, "--profile", "esm-only", "--quiet"]),
  );
}
count(step("pack and consume", process.execPath, [join(ROOT, "scripts", "pack-and-consume.mjs")]));
count(step("demo", process.execPath, [join(ROOT, "examples", "flights", "demo.mjs")]));

console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);
