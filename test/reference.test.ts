import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { DOCS_URL, helpUrl } from "../packages/core/src/bytes/docs-url.ts";
import type { StorageErrorCode } from "../packages/core/src/bytes/storage-error.ts";
import { ENV_TEMPLATE } from "../packages/migrate-cli/src/env-template.ts";
import { storageVariables } from "../packages/storage/src/read-storage-config.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

const codes = [...read("packages/core/src/bytes/storage-error.ts").matchAll(/^ {2}\| "(\w+)"/gm)].map(
  ([, code]) => code as StorageErrorCode,
);

it("docs/errors.md has one section for each error code, and a row in its table", () => {
  const page = read("docs/errors.md");
  expect(codes.length).toBeGreaterThan(10);
  expect([...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(codes);
  expect([...page.matchAll(/^\| \[\w+\]\(#(\w+)\) \|/gm)].map(([, code]) => code)).toEqual(codes);
});

it("the table of StorageErrorCode and that of the page advise the same retries", () => {
  const advice = (text: string, row: RegExp) =>
    Object.fromEntries([...text.matchAll(row)].map(([, code, retry]) => [code, retry]));
  expect(advice(read("docs/errors.md"), /^\| \[(\w+)\]\(.*\| `(\w+)` \|$/gm)).toEqual(
    advice(
      read("packages/core/src/bytes/storage-error.ts"),
      /^ \* \| `(\w+)` \|.*\| (\w+)(?: \(.*\))? \|$/gm,
    ),
  );
});

it("links to the section of a code by its name", () => {
  expect(helpUrl("not_found")).toBe(`${DOCS_URL}errors#not_found`);
});

it("the template of .env names every variable of the stores, and no other of them", () => {
  const known = Object.values(storageVariables()).flatMap((variables) =>
    variables.map(({ suffixes: [suffix] }) => `PARQUETRY_${suffix}`),
  );
  const named = [...ENV_TEMPLATE.matchAll(/^(?:# )?(PARQUETRY_(?!TRINO)\w+)=/gm)].map(([, name]) => name);
  expect(named.toSorted()).toEqual(known.toSorted());
});
