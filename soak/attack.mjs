// Attacks what the documentation promises, and prints one table: for each check the number of trials and of violations.
// Set PARQUETRY_PYTHON to a Python with pandas, pyarrow and DuckDB for the part `engines`.
// Usage: `pnpm soak:attack [--minutes 1] [--only sql,kills] [--seed 1] [--write]`
// `--minutes` is shared by the parts. `--write` puts the table into docs/guarantees.md. The exit code is 1 when a check has a
// violation or no trial.
//
// A part is a file in soak/attack/ that exports
//
//     /** @returns {Promise<Row[]>} */
//     export async function run({ seconds, seed }) { … }
//
// and a row is one check:
//
//     {
//       check: "a query beside a writer answers all old or all new rows",  // a promise; the same text in every run
//       trials: 1234,        // how often it was tried
//       violations: ["…"],   // what broke, each with what repeats it (seed, statement); empty when the promise held
//       note: "p99 12 ms",   // optional: a figure worth printing
//     }
//
// A part stops after about `seconds`, even when that is 5, but tries each of its checks at least once. It draws from `seed` only.
// It runs in a separate process whose os.tmpdir() is a new folder; whatever it leaves there, or leaves running, is a violation,
// as are an unhandled rejection and running for twice its time and a minute. It writes what helps to follow it to stderr.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const FOLDER = join(import.meta.dirname, "attack");
const GUARANTEES = join(import.meta.dirname, "..", "docs", "guarantees.md");
const BEGIN = "<!-- attacks: made by pnpm soak:attack --write -->";
const END = "<!-- /attacks -->";
/** The most violations that are printed for one check. */
const SHOWN = 5;

/** Runs one part in this process, which the frame started for it, and sends its rows to the frame. */
async function runPart(name, seconds, seed) {
  const { run } = await import(pathToFileURL(join(FOLDER, `${name}.mjs`)).href);
  const rows = await run({ seconds, seed });
  process.send({ rows });
  process.disconnect();
}

/** Runs one part in a separate process and temporary folder. A failure of the process is a row, too. */
async function attack(name, seconds, seed) {
  const temporary = mkdtempSync(join(tmpdir(), "parquetry-attack-"));
  const child = spawn(
    process.execPath,
    [fileURLToPath(import.meta.url), "--part", name, "--seconds", `${seconds}`, "--seed", `${seed}`],
    {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
    },
  );
  const problems = [];
  let rows;
  child.on("message", (message) => {
    rows = message.rows;
  });
  const limitMs = (seconds * 2 + 60) * 1000;
  const timer = setTimeout(() => {
    problems.push(
      rows === undefined ? `still running after ${limitMs / 1000} s` : "does not exit after its last check",
    );
    child.kill("SIGKILL");
  }, limitMs);
  const [code, signal] = await once(child, "exit");
  clearTimeout(timer);
  if (problems.length === 0 && (code !== 0 || rows === undefined))
    problems.push(`ended with ${signal ?? `code ${code}`}`);
  const left = readdirSync(temporary);
  if (left.length > 0) problems.push(`left in its temporary folder: ${left.slice(0, 10).join(", ")}`);
  rmSync(temporary, { recursive: true, force: true });
  return [
    ...(rows ?? []),
    { check: "the process ends without help and leaves no temporary files", trials: 1, violations: problems },
  ].map((row) => ({ part: name, ...row }));
}

function tableOf(rows) {
  const cell = (text) => `${text ?? ""}`.replaceAll("|", "\\|").replaceAll("\n", " ");
  return [
    "| part | check | trials | violations | note |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map(
      ({ part, check, trials, violations, note }) =>
        `| ${cell(part)} | ${cell(check)} | ${trials} | ${violations.length} | ${cell(note)} |`,
    ),
  ].join("\n");
}

/** Puts the table between the markers of the document. */
function writeGuarantees(rows, command) {
  const text = readFileSync(GUARANTEES, "utf8");
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${GUARANTEES} has no markers`);
  const date = new Date().toISOString().slice(0, 10);
  const made = `Measured on ${date} with \`${command}\`, Node ${process.version}, ${process.platform} ${process.arch}.`;
  writeFileSync(GUARANTEES, `${before}${BEGIN}\n\n${made}\n\n${tableOf(rows)}\n\n${END}${after}`);
}

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    only: { type: "string" },
    seed: { type: "string", default: "1" },
    write: { type: "boolean", default: false },
    // How the frame starts a part.
    part: { type: "string" },
    seconds: { type: "string" },
  },
});
const seed = Number(values.seed);
if (values.part !== undefined) {
  await runPart(values.part, Number(values.seconds), seed);
} else {
  const known = readdirSync(FOLDER)
    .filter((file) => file.endsWith(".mjs"))
    .map((file) => file.slice(0, -".mjs".length))
    .sort();
  const parts = values.only?.split(",") ?? known;
  const minutes = Number(values.minutes);
  const unknown = parts.find((part) => !known.includes(part));
  if (unknown !== undefined || !(minutes > 0) || !Number.isSafeInteger(seed)) {
    console.error(
      unknown === undefined
        ? "--minutes must be a number above 0 and --seed a whole number."
        : `Unknown part ${unknown}; expected one of ${known.join(", ")}.`,
    );
    process.exit(2);
  }
  const rows = [];
  for (const part of parts) {
    const startedAt = performance.now();
    rows.push(...(await attack(part, (minutes * 60) / parts.length, seed)));
    console.error(`${part}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  }
  console.log(tableOf(rows));
  const broken = rows.filter(({ trials, violations }) => violations.length > 0 || !(trials > 0));
  for (const { part, check, trials, violations } of broken) {
    console.log(`\nBROKEN: ${part}: ${check}: ${trials} trials, ${violations.length} violations`);
    for (const violation of violations.slice(0, SHOWN)) console.log(`  ${violation}`);
  }
  if (values.write) {
    const chosen = values.only === undefined ? "" : ` --only ${values.only}`;
    writeGuarantees(rows, `pnpm soak:attack --minutes ${minutes} --seed ${seed}${chosen}`);
  }
  process.exitCode = broken.length > 0 ? 1 : 0;
}
