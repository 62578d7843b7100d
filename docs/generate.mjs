// Writes docs/reference/ from the built command, so that the reference cannot differ from what the command prints.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const BIN = here("../packages/parquetry/dist/bin/parquetry.js");
const run = (...args) =>
  execFileSync(process.execPath, [BIN, ...args], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  }).trimEnd();
const block = (text) => `\`\`\`text\n${text}\n\`\`\`\n`;

/** The names in the lists of the general help, from the first group of commands to the last topic. */
function namesIn(help, from, to) {
  const lists = help.slice(help.indexOf(from), to === undefined ? undefined : help.indexOf(to));
  const names = [...lists.matchAll(/^ {2}([a-z-]+)(?= )/gm)].map(([, name]) => name);
  if (names.length === 0) throw new Error(`parquetry --help lists nothing between ${from} and ${to}`);
  return names;
}

const help = run("--help");
const commands = namesIn(help, "Move and prove:", "Topics").filter((name) => name !== "help");
const topics = namesIn(help, "Topics");

// Each error code has a section with its cause and remedy.
const source = readFileSync(here("../packages/core/src/bytes/storage-error.ts"), "utf8");
const codes = [...source.matchAll(/^ {2}\| "(\w+)"/gm)].map(([, code]) => code);
const described = [...readFileSync(here("errors.md"), "utf8").matchAll(/^## (\w+)$/gm)].map(
  ([, code]) => code,
);
if (codes.length === 0 || codes.join() !== described.join())
  throw new Error(`docs/errors.md must describe, in this order: ${codes.join(", ")}`);

rmSync(here("reference"), { recursive: true, force: true });
mkdirSync(here("reference"));
writeFileSync(
  here("reference/command.md"),
  `# Command\n\n${block(help)}${commands.map((name) => `\n## ${name}\n\n${block(run(name, "--help"))}`).join("")}`,
);
for (const topic of topics) {
  const title = topic === "json" ? "JSON output" : topic[0].toUpperCase() + topic.slice(1).replace("-", " ");
  writeFileSync(here(`reference/${topic}.md`), `# ${title}\n\n${block(run("help", topic))}`);
}
