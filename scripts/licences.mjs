// Fails if a production dependency has a licence that is not on the list.
import { execFileSync } from "node:child_process";

const ALLOWED = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"]);

const output = execFileSync("npx", ["-y", "pnpm@12", "licenses", "list", "--recursive", "--prod", "--json"], {
  encoding: "utf8",
  maxBuffer: 64 * 1024 * 1024,
  shell: process.platform === "win32",
});
const found = Object.entries(JSON.parse(output));
const count = found.reduce((sum, [, packages]) => sum + packages.length, 0);
if (count === 0) throw new Error("pnpm lists no production dependencies: install first");
// "MIT AND BSD-3-Clause" needs both, "MIT OR GPL-2.0" one of the two.
const isAllowed = (licence) =>
  licence
    .replace(/[()]/g, "")
    .split(" AND ")
    .every((part) => part.split(" OR ").some((name) => ALLOWED.has(name)));
const refused = found.filter(([licence]) => !isAllowed(licence));
for (const [licence, packages] of refused)
  console.error(`${licence}: ${packages.map(({ name }) => name).join(", ")}`);
if (refused.length > 0)
  throw new Error(`licences that are not allowed; allowed are ${[...ALLOWED].join(", ")}`);
console.log(`${count} production dependencies: ${found.map(([licence]) => licence).join(", ")}`);
