import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
// The built package: a thread of Node 20 cannot run TypeScript, and hashed reads need one.
import { createLocalBackend } from "@parquetry/backend-local";
import { retrying } from "@parquetry/core/backend";
import { describeBackend } from "@parquetry/testkit";
import { afterAll, describe, it } from "vitest";

const roots: string[] = [];

async function temporaryRoot(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "parquetry-local-"));
  roots.push(root);
  return root;
}

afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true });
});

describeBackend("local", async () => createLocalBackend({ root: await temporaryRoot() }), { describe, it });
describeBackend(
  "retrying(local)",
  async () => retrying(await createLocalBackend({ root: await temporaryRoot() })),
  {
    describe,
    it,
  },
);
