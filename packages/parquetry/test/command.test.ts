import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

it("runs SQL in a checkout of the workspace", () => {
  const folder = mkdtempSync(join(tmpdir(), "parquetry-test-command-"));
  try {
    const script = join(import.meta.dirname, "../dist/bin/parquetry.js");
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, "query", "SELECT 1 AS one"], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: folder, PARQUETRY_DATA_ROOT: folder },
    });
    expect([stdout, status, stderr]).toEqual(["one\n1\n", 0, expect.not.stringContaining("error")]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
