import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..", "..");

it("survives random faults: operations succeed or fail with an allowed code, no write is lost or applied twice, the process exits", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, "soak", "s3.mjs"), "200", "11", "30"],
    { timeout: 120_000 },
  );
  expect(stdout).toMatch(
    /operations succeeded[\s\S]*30 MB in 4 parts, 4 failed part uploads: stored correctly/,
  );
}, 130_000);
