// Runs all benchmarks, or the named ones: `pnpm bench tables query isolation listing migrate large s3 start`.
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { benchIsolation } from "./isolation.mjs";
import { benchLarge } from "./large.mjs";
import { benchListing } from "./listing.mjs";
import { benchMigrate } from "./migrate.mjs";
import { benchQuery } from "./query.mjs";
import { benchS3 } from "./s3.mjs";
import { benchStart } from "./start.mjs";
import { benchTables } from "./tables.mjs";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
const BENCHES = {
  tables: benchTables,
  query: benchQuery,
  isolation: benchIsolation,
  listing: benchListing,
  migrate: benchMigrate,
  large: benchLarge,
  s3: benchS3,
  start: benchStart,
};
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BENCHES);

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
    await bench(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
