import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..", "..");

it("operations through faults end right or with the right code, nothing is doubled, and the process ends by itself", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, "scripts", "soak.mjs"), "200", "11", "30"],
    { timeout: 120_000 },
  );
  expect(stdout).toMatch(/operations right[\s\S]*30 MB in 4 parts through 4 failures: right/);
}, 130_000);
