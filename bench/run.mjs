// Runs all benchmarks, or the named ones: `pnpm bench tables query isolation listing migrate large s3 scale start engines`. With `--write`,
// it keeps their results in bench/results, and writes the tables of README.md, docs/performance.md and docs/scale.md from them.
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { benchEngines } from "./engines.mjs";
import { benchIsolation } from "./isolation.mjs";
import { benchLarge } from "./large.mjs";
import { benchListing } from "./listing.mjs";
import { benchMigrate } from "./migrate.mjs";
import { benchQuery } from "./query.mjs";
import { benchS3 } from "./s3.mjs";
import { benchScale } from "./scale.mjs";
import { benchStart } from "./start.mjs";
import { benchTables } from "./tables.mjs";
import { keepResult } from "./write/keep-result.mjs";
import { writeTables } from "./write/write-tables.mjs";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
const BENCHES = {
  tables: benchTables,
  query: benchQuery,
  isolation: benchIsolation,
  listing: benchListing,
  migrate: benchMigrate,
  large: benchLarge,
  s3: benchS3,
  scale: benchScale,
  start: benchStart,
  engines: benchEngines,
};
const isWritten = process.argv.includes("--write");
const named = process.argv.slice(2).filter((word) => word !== "--write");
// `--write` alone writes the tables again from what is kept.
const wanted = named.length > 0 || isWritten ? named : Object.keys(BENCHES);

console.log(
  `Node ${process.version}, ${process.platform}, ${cpus().length} cores. Trust the ratios, not the milliseconds.`,
);
for (const name of wanted) {
  const bench = BENCHES[name];
  if (bench === undefined) {
    console.error(`Unknown benchmark ${name}. Available: ${Object.keys(BENCHES).join(", ")}.`);
    process.exit(2);
  }
  const work = await mkdtemp(join(tmpdir(), `parquetry-bench-${name}-`));
  try {
    if (isWritten) await keepResult(name, () => bench(work));
    else await bench(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
if (isWritten) writeTables();
