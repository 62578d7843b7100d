import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RESULTS } from "./keep-result.mjs";
import { scaleTables } from "./scale-tables.mjs";
import { speedTable } from "./speed-table.mjs";

const ROOT = join(import.meta.dirname, "..", "..");

/**
 * Writes the tables of README.md, docs/performance.md and docs/scale.md between their markers, from the kept results. Returns the
 * files that it changes, or that it would change if it only checks.
 */
export function writeTables({ isCheck = false } = {}) {
  const results = new Map(
    (existsSync(RESULTS) ? readdirSync(RESULTS) : [])
      .filter((file) => file.endsWith(".json"))
      .sort()
      .map((file) => [file.slice(0, -5), JSON.parse(readFileSync(join(RESULTS, file), "utf8"))]),
  );
  const tables = [
    ["README.md", "speed", speedTable(results)],
    ["docs/performance.md", "benchmarks", allTables(results)],
    ["docs/scale.md", "scale", scaleTables(results)],
  ];
  return tables.filter((table) => replace(table, isCheck)).map(([file]) => file);
}

function replace([file, name, content], isCheck) {
  const path = join(ROOT, file);
  const [begin, end] = [`<!-- ${name}: made by bench/run.mjs --write -->`, `<!-- /${name} -->`];
  const text = readFileSync(path, "utf8");
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${file} has no markers ${begin} and ${end}`);
  const made = `${before}${begin}\n\n${content}\n\n${end}${after}`;
  if (made !== text && !isCheck) writeFileSync(path, made);
  return made !== text;
}

function allTables(results) {
  return [...results]
    .map(([name, { command, date, machine, versions, printed }]) =>
      [`## ${name}`, `\`${command}\`, ${date}, on ${machine}; ${versions.join(", ")}.`, printed].join("\n\n"),
    )
    .join("\n\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = writeTables({ isCheck: process.argv.includes("--check") });
  for (const file of stale) console.error(`${file} is out of date: run \`node bench/run.mjs --write\`.`);
  if (stale.length > 0) process.exitCode = 1;
}
