// The long proofs of tables: `pnpm soak:tables`, or parts of it: `pnpm soak:tables fuzz`, `kills`, `football`.
// Wants PARQUETRY_PYTHON for pyarrow's files, and the football data beside the checkout.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fuzzReader } from "./soak-tables/fuzz-reader.mjs";

const ROOT = join(import.meta.dirname, "..");
const FUZZ_FILES = Number(process.env.PARQUETRY_FUZZ ?? 50_000);

const PARTS = {
  /** Damaged Parquet files through the plain reader. */
  async fuzz() {
    const result = await fuzzReader(FUZZ_FILES, { python: process.env.PARQUETRY_PYTHON });
    console.log(result);
    const other = Object.keys(result.outcomes).filter(
      (name) => !["read", "corrupt", "not_supported"].includes(name),
    );
    return result.hangs.length + result.deaths.length + other.length === 0;
  },
  /** Writers that are killed 200 times with a reader beside them, and eight that race for 50 rounds; on disk and on S3. */
  async kills() {
    return vitest("test/killed-writers.test.ts", { PARQUETRY_KILLS: "200", PARQUETRY_ROUNDS: "50" });
  },
  /** Every year of every table of the football data through every store. */
  async football() {
    if (!existsSync(join(ROOT, "..", "shared", "data", "sources"))) {
      console.error("The football data is not beside this checkout: ../shared/data/sources is missing.");
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
      cwd: join(ROOT, "packages", "parquetry"),
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
    console.error(`There is no part ${name}; there are ${Object.keys(PARTS).join(", ")}.`);
    process.exit(2);
  }
  console.log(`\n=== ${name}`);
  const passed = await part();
  console.log(`=== ${name}: ${passed ? "passed" : "FAILED"}`);
  ok &&= passed;
}
process.exit(ok ? 0 : 1);
