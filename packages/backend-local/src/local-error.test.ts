import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createLocalBackend } from "./local-backend.ts";

it("names the folder that cannot be listed, wherever it lies", async ({ skip }) => {
  skip(process.getuid?.() === 0 || process.platform === "win32", "this user may read everything");
  const root = await mkdtemp(join(tmpdir(), "parquetry-local-"));
  const folder = join(root, "raw", "t", "year=2023");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "a.csv"), "a");
  await chmod(folder, 0);
  try {
    const backend = await createLocalBackend({ root });
    const list = async (): Promise<void> => {
      for await (const _ of backend.list());
    };
    await expect(list()).rejects.toMatchObject({
      code: "permission_denied",
      path: "raw/t/year=2023",
      message: expect.stringContaining(`list ${folder}: `),
    });
  } finally {
    await chmod(folder, 0o700);
    await rm(root, { recursive: true });
  }
});
