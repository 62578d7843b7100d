import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { createR2Backend, createS3Backend } from "@parquetry/backend-s3";
import { createMemoryBackend, parseKey, type StorageBackend } from "@parquetry/core";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll } from "vitest";

let server: S3Server;
let r2Server: S3Server;
let folder: string;
let count = 0;

beforeAll(async () => {
  server = await startS3Server({ buckets: ["tables"] });
  r2Server = await startS3Server({ buckets: ["tables"], profile: "r2" });
  folder = await mkdtemp(join(tmpdir(), "parquetry-tables-"));
});

afterAll(async () => {
  await Promise.all([server.close(), r2Server.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** Opens an empty store of each kind. */
export const BACKENDS: Readonly<Record<string, () => Promise<StorageBackend>>> = {
  memory: async () => createMemoryBackend(),
  local: async () => createLocalBackend({ root: await mkdtemp(join(folder, "root-")) }),
  s3: async () => {
    const { endpoint, credentials } = server;
    return createS3Backend({ bucket: "tables", endpoint, credentials, prefix: parseKey(`case-${count++}`) });
  },
};

/** The same stores and R2, for the tests with real data. */
export const ALL_BACKENDS: typeof BACKENDS = {
  ...BACKENDS,
  r2: async () => {
    const { endpoint, credentials } = r2Server;
    const prefix = parseKey(`case-${count++}`);
    return createR2Backend({ bucket: "tables", endpoint, credentials, prefix });
  },
};
