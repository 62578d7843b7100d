import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROUNDS = 5;
const QUERIES = 200;
const TICK_MS = 10;
/** By name, a result of about 8 MB as JSON, and the number of its rows. */
const RESULTS = {
  numbers: ["SELECT range AS a, range * 2 AS b, random() AS c FROM range(200_000)", 200_000],
  texts: ["SELECT md5(range::VARCHAR) AS a, md5((range + 1)::VARCHAR) AS b FROM range(100_000)", 100_000],
  nested: ["SELECT {'a': range, 'b': [range, 2]} AS s FROM range(200_000)", 200_000],
};

/** CPU time of this process and of its running children, in milliseconds (Linux only). */
function cpuMs() {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1")
    .split(" ")
    .filter(Boolean);
  const { user, system } = process.cpuUsage();
  return children.reduce(
    (sum, pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
        .replace(/^.*\) /, "")
        .split(" ");
      return sum + (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    },
    (user + system) / 1000,
  );
}

/** Measures one mode in a separate process and prints the result as JSON. */
async function measure(isolate) {
  const found = {};
  const time = async (name, per, run) => {
    const [cpu, wall] = [cpuMs(), performance.now()];
    await run();
    found[name] = { cpu: (cpuMs() - cpu) / per, wall: (performance.now() - wall) / per };
  };
  const { createMemoryBackend, Storage } = await import("@parquetry/core");
  let db;
  await time("start and first query", 1, async () => {
    const { openQuery } = await import("@parquetry/query");
    db = await openQuery(new Storage(createMemoryBackend()), { isolate });
    await db.sql("SELECT 1");
  });
  await time(`each of ${QUERIES} small queries`, QUERIES, async () => {
    for (let i = 0; i < QUERIES; i++) await db.sql("SELECT 1");
  });
  for (const [name, [sql, rows]] of Object.entries(RESULTS)) {
    const megabytes = Buffer.byteLength(JSON.stringify((await db.sql(sql)).rows)) / 1e6;
    await time(`each MB of ${name}, as rows`, megabytes, async () => {
      if ((await db.sql(sql)).rows.length !== rows) throw new Error("rows are missing");
    });
  }
  await db.close();
  process.stdout.write(JSON.stringify(found));
}

/** What DuckDB in a child process costs, against DuckDB in this one: CPU time of both processes, and wall time. */
export async function benchIsolation() {
  if (process.platform !== "linux")
    return void console.log("SKIPPED: the CPU time of a child is read from /proc.");
  const runs = { true: [], false: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const isolate of [false, true]) {
      const { stdout } = await promisify(execFile)(process.execPath, [
        fileURLToPath(import.meta.url),
        `${isolate}`,
      ]);
      runs[isolate].push(JSON.parse(stdout));
    }
  }
  const median = (isolate, name, kind) => {
    const values = runs[isolate].map((run) => run[name][kind]).sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)].toFixed(1);
  };
  console.log(`\nDuckDB in a child process (median of ${ROUNDS} runs in turn, ms)\n`);
  console.log(
    "| | CPU, in process | CPU, isolated | wall, in process | wall, isolated |\n| --- | --- | --- | --- | --- |",
  );
  for (const name of Object.keys(runs.true[0])) {
    const cells = ["cpu", "wall"].flatMap((kind) => [median(false, name, kind), median(true, name, kind)]);
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await measure(process.argv[2] === "true");
