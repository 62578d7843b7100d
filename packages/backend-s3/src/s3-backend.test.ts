import { randomUUID } from "node:crypto";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { describeBackend, type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";
import { createR2Backend, createS3Backend } from "./s3-backend.ts";

const BUCKET = "conformance";
const servers: Record<"s3" | "r2", S3Server | undefined> = { s3: undefined, r2: undefined };

beforeAll(async () => {
  servers.s3 = await startS3Server({ buckets: [BUCKET] });
  servers.r2 = await startS3Server({ buckets: [BUCKET], profile: "r2" });
});

afterAll(async () => {
  await servers.s3?.close();
  await servers.r2?.close();
});

/** Opens the bucket with a separate prefix for each test. */
async function open(profile: "s3" | "r2"): Promise<StorageBackend> {
  const server = servers[profile];
  if (server === undefined) throw new Error("the server is not up");
  const { endpoint, credentials } = server;
  const options = { bucket: BUCKET, endpoint, credentials, prefix: parseKey(`t/${randomUUID()}`) };
  return profile === "s3" ? createS3Backend(options) : createR2Backend(options);
}

describeBackend("s3", () => open("s3"), { describe, it });
describeBackend("r2", () => open("r2"), { describe, it });
