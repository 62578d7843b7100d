import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "vitest";
import { isSameOutput, readPage, writePage } from "./docs/read-page.ts";
import { runPage } from "./docs/run-page.ts";
import { ROOT } from "./support/sources.ts";

const DOCS = join(ROOT, "docs");
const PAGES = ["start", "guides"].flatMap((folder) =>
  readdirSync(join(DOCS, folder))
    .filter((file) => file.endsWith(".md"))
    .map((file) => join(folder, file)),
);

// The commands are those of a POSIX shell. `npx vitest run test/docs.test.ts -u` writes what they print into the pages.
it.skipIf(process.platform === "win32").concurrent.for(PAGES)(
  "every command and program of docs/%s runs and prints what the page shows",
  async (page, { expect }) => {
    const path = join(DOCS, page);
    const { parts, used, notRun } = await runPage(page, readPage(readFileSync(path, "utf8")));
    const skipped = notRun.map((each) => `\n  not run: ${each}`).join("");
    console.log(`docs/${page}: ${used} blocks run, ${notRun.length} not run${skipped}`);
    await expect(writePage(parts)).toMatchFileSnapshot(path);
  },
);

it.for([
  ["Copied 2 files in 1.5 s (3.1 kB/s).", "Copied 2 files in 20 ms (1 MB/s).\n", true],
  ["Copied 2 files in 1.5 s.", "Copied 3 files in 1.5 s.\n", false],
  ["wrote probe-0123456789abcdef.tmp", "wrote probe-fedcba9876543210.tmp", true],
  ["a\n…\nd", "a\nb\nc\nd\n", true],
  ["a\n…\nd", "a\nd\n", true],
  ["a\n…\nd", "a\nb\n", false],
  ["…\nd", "a\nd\ne\n", false],
  ["a (1) [b] $", "a (1) [b] $", true],
  ["a", "a\nb", false],
] as const)("compares %j with %j", ([shown, printed, isSame], { expect }) => {
  expect(isSameOutput(shown, printed)).toBe(isSame);
});

it("keeps a page as it is, and reads what the comments say", ({ expect }) => {
  const page =
    "# A\n\n<!-- file: a.mjs -->\n```js\n1;\n```\n\n```sh\nls\n```\n\nText.\n\n```text\na.mjs\n```\n";
  const parts = readPage(page);
  expect(writePage(parts)).toBe(page);
  expect(parts[1]).toMatchObject({
    language: "js",
    code: "1;",
    line: 4,
    directives: new Map([["file", "a.mjs"]]),
  });
  expect(() => readPage("<!-- flie: a -->\n```js\n```\n")).toThrow(/unknown directive/);
  expect(() => readPage("<!-- file: a -->\n\nText.\n")).toThrow(/without a block/);
  expect(() => readPage("```sh\nls\n")).toThrow(/without an end/);
});
