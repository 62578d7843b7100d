// Writers on a disk are killed at random instants while pandas, pyarrow and DuckDB read the table by their default calls, and read it
// again after each kill. Set PARQUETRY_PYTHON to a Python that has the three.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createLocalBackend } from "../../packages/backend-local/dist/index.js";
import { Storage } from "../../packages/core/dist/index.js";
import { randomFrom } from "./support/random.mjs";
import { ENTITY, PLACE, ROWS, startWriter, versionRows } from "./support/writer.mjs";

/** Prints, for each line of stdin, the numbers of rows of each version that an engine reads, or the error. */
const READERS = `
import collections, json, sys
import duckdb, pandas, pyarrow.parquet
table = sys.argv[1]
readers = {
    "pandas": lambda: pandas.read_parquet(table)["version"].tolist(),
    "pyarrow": lambda: pyarrow.parquet.read_table(table)["version"].to_pylist(),
    "DuckDB": lambda: [v for v, in duckdb.sql(f"SELECT version FROM read_parquet('{table}/**/*.parquet')").fetchall()],
}
for name in readers: readers[name]()
print("ready", flush=True)
for line in sys.stdin:
    try: result = dict(collections.Counter(readers[line.strip()]()))
    except Exception as error: result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), flush=True)
`;
const ENGINES = ["pandas", "pyarrow", "DuckDB"];

/** @returns {Promise<object[]>} the checks; none without a Python. */
export async function run({ seconds, seed }) {
  const python = process.env.PARQUETRY_PYTHON;
  if (python === undefined) {
    console.error("engines: PARQUETRY_PYTHON is not set");
    return [];
  }
  const random = randomFrom(seed);
  const root = mkdtempSync(join(tmpdir(), "parquetry-engines-"));
  mkdirSync(join(root, "data"));
  try {
    return await attack(python, join(root, "data"), seconds, random, seed);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function attack(python, root, seconds, random, seed) {
  const storage = new Storage(await createLocalBackend({ root }));
  await storage.write(ENTITY, versionRows(0), PLACE);
  const readers = spawn(python, ["-c", READERS, join(root, ENTITY)], { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(readers, "close");
  const lines = createInterface({ input: readers.stdout })[Symbol.asyncIterator]();
  if ((await lines.next()).value !== "ready")
    throw new Error("the Python of PARQUETRY_PYTHON cannot read the table");
  const read = async (engine) => {
    readers.stdin.write(`${engine}\n`);
    return JSON.parse((await lines.next()).value);
  };
  const tallies = ENGINES.map((engine) => ({
    engine,
    check: `disk: ${engine} reads whole versions after a kill, never a part of one`,
    trials: 0,
    violations: [],
    both: 0,
    beside: { trials: 0, both: 0, part: 0, failed: 0 },
  }));
  let kill = 0;
  const endsAt = performance.now() + seconds * 1000;
  for (let latest = 0; kill === 0 || performance.now() < endsAt; kill++) {
    const writer = startWriter(`createLocalBackend(${JSON.stringify({ root })})`, latest + 1);
    const exit = once(writer, "exit");
    await once(writer.stdout, "data");
    const killAt = performance.now() + 20 + random.next() * 100;
    for (let i = kill; performance.now() < killAt; i++) {
      const { engine, beside } = tallies[i % tallies.length];
      const found = await read(engine);
      beside.trials++;
      if (found.error !== undefined) beside.failed++;
      else if (!isWhole(found)) beside.part++;
      else if (Object.keys(found).length > 1) beside.both++;
    }
    writer.kill("SIGKILL");
    await exit;
    for (const tally of tallies) {
      const found = await read(tally.engine);
      tally.trials++;
      if (found.error !== undefined || !isWhole(found))
        tally.violations.push(`seed ${seed}, kill ${kill}: ${JSON.stringify(found)}`);
      else if (Object.keys(found).length > 1) tally.both++;
    }
    // The next writer has to replace what the engines found.
    latest = Number((await storage.readIndex(ENTITY))[0].version);
    await storage.write(ENTITY, versionRows(++latest), PLACE);
  }
  readers.stdin.end();
  await closed;
  await storage.close();
  return tallies.map(({ check, trials, violations, both, beside }) => ({
    check,
    trials,
    violations,
    note: `old and new rows together after ${both} of ${kill} kills; beside writers in ${beside.both} of ${beside.trials} reads, ${beside.failed} failed, ${beside.part} returned a part of a version`,
  }));
}

/** Whether an engine found each version with all of its rows, and at most the old and the new one. */
function isWhole(found) {
  const counts = Object.values(found);
  return [1, 2].includes(counts.length) && counts.every((count) => count === ROWS);
}
