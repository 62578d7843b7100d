import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, Storage } from "@parquetry/core";
import { expect, it } from "vitest";
import { openQuery } from "../src/index.ts";

it.each([true, false])(
  "reads the new file after a folder was removed and written again under the same names (isolate: %s)",
  async (isolate) => {
    const folder = await mkdtemp(join(tmpdir(), "parquetry-replaced-"));
    const root = join(folder, "data");
    await mkdir(root);
    const storage = new Storage(await createLocalBackend({ root }));
    const db = await openQuery(storage, { isolate, cacheDirectory: join(folder, "cache") });
    try {
      for (let v = 1; v <= 20; v++) {
        const n = 1 + ((v * 7) % 50);
        await rm(join(root, "raw/g/w=9"), { recursive: true, force: true });
        await storage.write(
          "raw/g",
          Array.from({ length: n }, () => ({ v, n })),
          partition({ w: 9 }),
        );
        const { rows } = await db.sql(
          "SELECT count(*) AS found, min(n) AS n, max(v) AS v FROM g WHERE w = 9",
        );
        expect(rows).toEqual([{ found: n, n, v }]);
      }
    } finally {
      await db.close();
      await storage.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
