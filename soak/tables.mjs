// The long-running proofs of tables. `pnpm soak:tables` runs all parts; `pnpm soak:tables fuzz kills model football` runs some.
// Set PARQUETRY_PYTHON to a Python with pyarrow to include its files. The football data must be next to the checkout.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fuzzReader } from "./tables/fuzz-reader.mjs";

const ROOT = join(import.meta.dirname, "..");
const FUZZ_FILES = Number(process.env.PARQUETRY_FUZZ ?? 50_000);

const PARTS = {
  /** Reads damaged Parquet files on a plain thread. */
  async fuzz() {
    const result = await fuzzReader(FUZZ_FILES, { python: process.env.PARQUETRY_PYTHON });
    console.log(result);
    const other = Object.keys(result.outcomes).filter(
      (name) => !["read", "corrupt", "not_supported"].includes(name),
    );
    return result.hangs.length + result.deaths.length + other.length === 0;
  },
  /**
   * Kills writers 200 times while a reader runs, and lets eight writers race for 50 rounds, on disk and on S3; PARQUETRY_KILLS and
   * PARQUETRY_ROUNDS change the numbers.
   */
  async kills() {
    const { PARQUETRY_KILLS = "200", PARQUETRY_ROUNDS = "50" } = process.env;
    return vitest("test/killed-writers.test.ts", { PARQUETRY_KILLS, PARQUETRY_ROUNDS });
  },
  /** Tries the orders of steps too that the model in CI leaves out, since they can make no difference. */
  async model() {
    return vitest("test/commit-model.test.ts", { PARQUETRY_SCHEDULES: "all" });
  },
  /** Takes every year of every football table through every store. */
  async football() {
    if (!existsSync(join(ROOT, "..", "shared", "data", "sources"))) {
      console.error("The football data is missing: expected it at ../shared/data/sources.");
      return false;
    }
    return vitest("test/football.test.ts", { PARQUETRY_FOOTBALL: "all" });
  },
};

function vitest(file, env) {
  const { status } = spawnSync(
    process.execPath,
    [join(ROOT, "node_modules", "vitest", "vitest.mjs"), "run", file],
    {
      cwd: join(ROOT, "packages", "storage"),
      env: { ...process.env, ...env },
      stdio: "inherit",
    },
  );
  return status === 0;
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PARTS);
let ok = true;
for (const name of wanted) {
  const part = PARTS[name];
  if (part === undefined) {
    console.error(`Unknown part ${name}; expected one of ${Object.keys(PARTS).join(", ")}.`);
    process.exit(2);
  }
  console.log(`\n=== ${name}`);
  const passed = await part();
  console.log(`=== ${name}: ${passed ? "passed" : "FAILED"}`);
  ok &&= passed;
}
process.exit(ok ? 0 : 1);
