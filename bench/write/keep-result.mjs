import { mkdir, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { CONTENDERS, versionOf } from "../migrate/contenders.mjs";

/** The results of the last run of each benchmark with `--write`. */
export const RESULTS = join(import.meta.dirname, "..", "results");

/** Runs a benchmark, and keeps what it prints and returns, with the machine, the versions, the date and the command. */
export async function keepResult(name, run) {
  const printed = [];
  const { log } = console;
  console.log = (...words) => {
    printed.push(words.join(" "));
    log(...words);
  };
  let data;
  try {
    data = await run();
  } finally {
    console.log = log;
  }
  const options = Object.entries(process.env).filter(([variable]) => /^(?:PARQUETRY_)?BENCH_/.test(variable));
  const result = {
    command: [
      ...options.map(([variable, value]) => `${variable}=${value}`),
      "node bench/run.mjs",
      name,
      "--write",
    ].join(" "),
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}`,
    versions: [`Node ${process.version.slice(1)}`, ...programs()],
    printed: printed.join("\n").trim(),
    ...data,
  };
  await mkdir(RESULTS, { recursive: true });
  await writeFile(join(RESULTS, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

function programs() {
  const found = new Map(CONTENDERS.map((contender) => [contender.program, versionOf(contender)]));
  return [...found].flatMap(([program, version]) => (program === undefined || !version ? [] : [version]));
}
