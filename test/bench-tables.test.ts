import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./support/sources.ts";

it("README.md, docs/performance.md and docs/scale.md have the tables of the kept results", () => {
  const { stderr, status } = spawnSync(
    process.execPath,
    [join(ROOT, "bench", "write", "write-tables.mjs"), "--check"],
    { encoding: "utf8" },
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
