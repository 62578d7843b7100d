import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { it } from "vitest";

it("the guarantee tables of the READMEs match the suite (`pnpm guarantees` writes them)", async () => {
  const script = join(import.meta.dirname, "..", "..", "..", "scripts", "guarantees.mjs");
  await promisify(execFile)(process.execPath, [script, "--check"]);
});
