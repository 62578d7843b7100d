// Writes docs/reference/ from the built packages, so that the reference cannot differ from what they print, read and export.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { storageVariables } from "../packages/storage/dist/read-storage-config.js";
import { generateApi } from "./generate-api.mjs";

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

rmSync(here("reference"), { recursive: true, force: true });
mkdirSync(here("reference"));
writeFileSync(
  here("reference/command.md"),
  `# Command\n\n${block(help)}${commands.map((name) => `\n## ${name}\n\n${block(run(name, "--help"))}`).join("")}`,
);
const backends = { all: "every backend", local: "`local`", r2: "`r2`", s3: "`s3`" };
const variables = Object.entries(storageVariables()).flatMap(([backend, list]) =>
  list.map(({ suffixes, purpose, isRequired, isSecret }) => {
    const names = suffixes.map((suffix) => `\`PARQUETRY_${suffix}\``).join(" or ");
    return `| ${names} | ${backends[backend]} | ${purpose}${isSecret ? "; secret" : ""} | ${isRequired ? "yes" : "no"} |`;
  }),
);
const INTRODUCTIONS = {
  environment: `Stores are configured by these variables. \`CFB_\` and the prefix of \`--env-prefix\` work like \`PARQUETRY_\`.
\`PARQUETRY_R2_ENDPOINT\` replaces the account ID. The region and the credentials of \`s3\` come from the AWS variables and
profiles, too. A missing or invalid variable is named in one error, and the value of a secret is never printed.

| variable | backend | what it is | required |
| --- | --- | --- | --- |
${variables.join("\n")}

\`parquetry help environment\` prints:
`,
};

for (const topic of topics) {
  const title = topic === "json" ? "JSON output" : topic[0].toUpperCase() + topic.slice(1).replace("-", " ");
  const introduction = INTRODUCTIONS[topic];
  writeFileSync(
    here(`reference/${topic}.md`),
    `# ${title}\n\n${introduction === undefined ? "" : `${introduction}\n`}${block(run("help", topic))}`,
  );
}

await generateApi(here("../packages"), here("reference/api"), here("tsconfig.json"));
