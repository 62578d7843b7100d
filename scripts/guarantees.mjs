// Writes the guarantee table of each README with the markers; with `--check` only reports whether it is up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { guaranteeTable } from "../packages/testkit/dist/index.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BEGIN = "<!-- guarantees: made by scripts/guarantees.mjs -->";
const END = "<!-- /guarantees -->";

const deviations = JSON.parse(
  readFileSync(join(ROOT, "packages", "backend-s3", "test", "server-deviations.json"), "utf8"),
);

/** The abilities that each backend declares. Third-party servers have those of S3. */
const BUCKET = ["resumableUploads", "directAccess"];
const EVERY = ["hashedReads", "hashedWrites", ...BUCKET, "renames"];

/** A third-party server with its known deviations. */
function server(name) {
  return {
    name,
    abilities: BUCKET,
    deviation: (guarantee) =>
      deviations.find((known) => known.server === name && guarantee.startsWith(known.guarantee))?.reason,
  };
}

const TABLES = {
  "backend-local": [{ name: "local", abilities: ["hashedReads", "hashedWrites", "renames", "leftovers"] }],
  "backend-s3": [
    { name: "S3", abilities: BUCKET },
    { name: "R2", abilities: BUCKET },
    ...["radosgw", "miniflare", "minio"].map(server),
  ],
  testkit: [
    { name: "memory", abilities: ["renames"] },
    ...["prefixed", "retrying", "limited", "paced", "faulty"].map((name) => ({ name, abilities: EVERY })),
  ],
};

let stale = 0;
for (const [name, columns] of Object.entries(TABLES)) {
  const file = join(ROOT, "packages", name, "README.md");
  const text = readFileSync(file, "utf8");
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${file} has no markers`);
  const made = `${before}${BEGIN}\n\n${guaranteeTable(columns)}\n\n${END}${after}`;
  if (made === text) continue;
  stale++;
  if (process.argv.includes("--check")) console.error(`${file} is out of date: run \`pnpm guarantees\``);
  else writeFileSync(file, made);
}
if (process.argv.includes("--check") && stale > 0) process.exitCode = 1;
