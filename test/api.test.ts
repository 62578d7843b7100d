import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { apiShapes, documentedExports } from "./support/api-shapes.ts";
import { manifest, PACKAGES, ROOT } from "./support/sources.ts";

/** The most names that an entry point may have: a name is public because a README or a guide uses it. */
const BUDGETS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  core: { ".": 60, "./backend": 55 },
  "migrate-cli": { ".": 30 },
  parquetry: { ".": 45 },
  query: { ".": 30 },
  storage: { ".": 15, "./backend": 10 },
};

describe.each(PACKAGES)("packages/%s", (name) => {
  it("has the public shapes that its API snapshot records", async () => {
    await expect(apiShapes(name)).toMatchFileSnapshot(join(ROOT, "packages", name, "api.snapshot.txt"));
  });

  it("shows each exported function and class of a stable entry point in an example", () => {
    const exports = documentedExports(name);
    expect(exports.filter(({ hasExample }) => !hasExample)).toEqual([]);
    // The package `parquetry` re-exports others.
    if (name !== "parquetry") expect(exports).not.toEqual([]);
  });

  it("names every export in its entry points", () => {
    for (const target of Object.values(manifest(name).exports)) {
      if (typeof target === "string") continue;
      const entry = target.default.replace("./dist/", "src/").replace(/\.js$/, ".ts");
      expect(readFileSync(join(ROOT, "packages", name, entry), "utf8"), entry).not.toMatch(/export \*/);
    }
  });
});

it.each(
  Object.entries(BUDGETS).flatMap(([name, entries]) =>
    Object.entries(entries).map(([entry, most]) => [name, entry, most] as const),
  ),
)("packages/%s %s has at most %i names", (name, entry, most) => {
  const [, count] =
    new RegExp(`^## ${entry.replaceAll(".", "\\.")} \\((\\d+) names\\)$`, "m").exec(apiShapes(name)) ?? [];
  expect(Number(count)).toBeLessThanOrEqual(most);
});
