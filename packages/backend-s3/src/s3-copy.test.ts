import { createHash, randomUUID } from "node:crypto";
import { type Key, parseKey, type StorageBackend } from "@parquetry/core";
import { DEFAULT_RETRY_POLICY } from "@parquetry/core/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { bareS3Backend } from "./s3-backend.ts";
import { connectS3 } from "./s3-connection.ts";
import { S3_PROFILE } from "./s3-profile.ts";

const MIB = 1024 * 1024;
const CONTENT = new Uint8Array(17 * MIB + 5).map((_, i) => (i * 7) >> 2);
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");
const FROM = parseKey("from here/ü%20+.bin");

let server: S3Server;
let backend: StorageBackend;
let to: Key;

beforeAll(async () => {
  server = await startS3Server({ buckets: ["copies"] });
  backend = bareS3Backend(
    connectS3({
      // Lowers the limit of CopyObject from 5 GiB to 6 MiB.
      profile: { ...S3_PROFILE, maxCopyBytes: 6 * MIB, copyPartBytes: 5 * MIB },
      bucket: "copies",
      endpoint: server.endpoint,
      credentials: server.credentials,
      stallTimeoutMs: 5000,
      maxConnections: 16,
      listPageSize: 1000,
      retry: { ...DEFAULT_RETRY_POLICY, baseDelayMs: 1 },
    }),
  );
  await backend.put(FROM, CONTENT, { sha256: SHA256 });
});
beforeEach(() => {
  server.setFaults([]);
  server.requests.reset();
  to = parseKey(randomUUID());
});
afterAll(async () => {
  await backend.close();
  await server.close();
});

async function storedSha256(): Promise<string> {
  const { info, body } = await backend.get(to, { verify: true });
  expect(info.sha256).toBe(SHA256);
  return createHash("sha256")
    .update(await body.bytes())
    .digest("hex");
}

it("copies an object that is too large for one request by parts on the server, with its SHA-256", async () => {
  const { sizeBytes, etag } = await backend.copy(FROM, to);
  expect(server.requests.byOperation()).toMatchObject({ UploadPartCopy: 4, CompleteMultipartUpload: 1 });
  expect(server.requests.bytesIn).toBeLessThan(10_000);
  expect(sizeBytes).toBe(CONTENT.byteLength);
  expect((await backend.head(to)).etag).toBe(etag);
  expect(await storedSha256()).toBe(SHA256);
});

it("continues a copy by parts after faults, and settles a lost answer to its last request", async () => {
  server.setFaults([
    { operation: "UploadPartCopy", nth: [1, 3], fault: { kind: "status", status: 503 } },
    { operation: "UploadPartCopy", nth: 5, fault: { kind: "reset", when: "after-commit" } },
    { operation: "CompleteMultipartUpload", nth: 1, fault: { kind: "drop-reply" } },
  ]);
  await backend.copy(FROM, to);
  expect(await storedSha256()).toBe(SHA256);
});

it("copies a large object conditionally without downloading it, and keeps the condition", async () => {
  await backend.copy(FROM, to, { ifNoneMatch: "*" });
  await expect(backend.copy(FROM, to, { ifNoneMatch: "*" })).rejects.toMatchObject({
    code: "already_exists",
  });
  await expect(backend.copy(FROM, to, { ifMatch: "another" })).rejects.toMatchObject({
    code: "precondition_failed",
  });
  const { etag } = await backend.head(to);
  await backend.copy(FROM, to, { ifMatch: etag });
  expect(server.requests.bytesIn).toBeLessThan(20_000);
  expect(server.requests.bytesOut).toBeLessThan(20_000);
  expect(await storedSha256()).toBe(SHA256);
});

it("fails, and stores no mixture, if the source changes during the copy", async () => {
  const source = parseKey("changing");
  await backend.put(source, CONTENT);
  server.setFaults([{ operation: "UploadPartCopy", fault: { kind: "latency", ms: 3000 } }]);
  const copy = backend.copy(source, to).catch((error: unknown) => error);
  while (server.requests.count("UploadPartCopy") === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  await backend.put(source, CONTENT.slice(1));
  expect(await copy).toMatchObject({ name: "StorageError" });
  await expect(backend.head(to)).rejects.toMatchObject({ code: "not_found" });
});
