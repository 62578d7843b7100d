import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createLocalBackend } from "@parquetry/backend-local";
import { Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";

const ROWS = 70_612;
/** 56 columns, as play by play has: integers, numbers and names, most of which are NULL. */
const COLUMNS = Array.from({ length: 56 }, (_, c) =>
  c % 3 === 0
    ? `CASE WHEN i % 25 = ${c % 25} THEN 'Player ' || (i % 3000) END AS c${c}`
    : `CASE WHEN i % ${1 + (c % 4)} = 0 THEN i * ${c} END::${c % 3 === 1 ? "INTEGER" : "DOUBLE"} AS c${c}`,
);
const ROUNDS = 7;
const PANDAS = `
import duckdb, sys, time
con = duckdb.connect()
for _ in range(${ROUNDS}):
    start = time.perf_counter()
    con.sql(f"FROM read_parquet('{sys.argv[1]}')").df()
    print((time.perf_counter() - start) * 1000)
`;

const best = (times) => Math.min(...times);

/** Reads a whole wide table into memory: as rows, columns and Arrow, and by DuckDB's Python into a pandas DataFrame. */
export async function benchWideResult(work, connection, python) {
  const root = join(work, "wide");
  const folder = join(root, "raw", "plays", "year=2018");
  await mkdir(folder, { recursive: true });
  const file = join(folder, "data.parquet");
  await connection.run(`COPY (SELECT ${COLUMNS.join(", ")} FROM range(${ROWS}) t(i)) TO '${file}'`);
  const db = await openQuery(new Storage(await createLocalBackend({ root })));
  const calls = { sql: [], columns: [], arrow: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [call, times] of Object.entries(calls)) {
      const start = performance.now();
      await db[call]("SELECT * EXCLUDE (year) FROM plays");
      times.push(performance.now() - start);
    }
  }
  await db.close();
  const pandas = await promisify(execFile)(python, ["-c", PANDAS, file]).then(
    ({ stdout }) => best(stdout.trim().split("\n").map(Number)),
    () => console.error("\nMISSING: pandas and duckdb in PARQUETRY_PYTHON, so .df() is not measured."),
  );
  console.log(`\n${ROWS} rows of ${COLUMNS.length} columns into memory (best of ${ROUNDS})\n`);
  console.log("| call | ms | of DuckDB's .df() |\n| --- | --- | --- |");
  if (pandas !== undefined) console.log(`| DuckDB for Python, .df() | ${pandas.toFixed(0)} | 1.0 |`);
  for (const [call, times] of Object.entries(calls)) {
    const ratio = pandas === undefined ? "" : (best(times) / pandas).toFixed(1);
    console.log(`| db.${call} | ${best(times).toFixed(0)} | ${ratio} |`);
  }
}
