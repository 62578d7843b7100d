import { createHash } from "node:crypto";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { listObjects, type RetryPolicy } from "@parquetry/core/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createS3Backend } from "./s3-backend.ts";

const MIB = 1024 * 1024;
const QUICK: RetryPolicy = { maxAttempts: 6, budgetMs: 20_000, baseDelayMs: 1, maxDelayMs: 20 };
const KEY = parseKey("object.bin");
const CONTENT = new Uint8Array(3 * MIB).map((_, i) => (i * 13) >> 1);
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

let server: S3Server;
let backend: StorageBackend;

beforeAll(async () => {
  server = await startS3Server({ buckets: ["integrity"] });
  const { endpoint, credentials } = server;
  backend = createS3Backend({
    ...{ bucket: "integrity", endpoint, credentials },
    retry: QUICK,
    stallTimeoutMs: 2_000,
    listPageSize: 7,
  });
});
beforeEach(() => server.setFaults([]));
afterAll(async () => {
  await backend.close();
  await server.close();
});

it("reports a byte that flips in a download as corrupt if the get verifies", async () => {
  await backend.put(KEY, CONTENT);
  server.setFaults([{ operation: "GetObject", fault: { kind: "flip-byte" } }]);
  const { body, info } = await backend.get(KEY, { verify: true });
  expect(info.sha256).toBe(sha256(CONTENT));
  await expect(body.bytes()).rejects.toMatchObject({ code: "corrupt", retry: "never" });
});

it("sends bytes again that the server refuses because one flipped in transit", async () => {
  server.setFaults([{ operation: "PutObject", nth: [1, 2], fault: { kind: "flip-byte" } }]);
  await backend.put(KEY, CONTENT);
  const { body } = await backend.get(KEY, { verify: true });
  expect(sha256(await body.bytes())).toBe(sha256(CONTENT));
});

it("stores, signs and checks a given MD5 in place of the SHA-256", async () => {
  const md5 = createHash("md5").update(CONTENT).digest("hex");
  const hashed = parseKey("hashed.bin");
  server.setFaults([{ operation: "PutObject", nth: 1, fault: { kind: "flip-byte" } }]);
  expect(await backend.put(hashed, CONTENT, { md5, ifNoneMatch: "*" })).toMatchObject({ md5 });
  expect(server.requests.count("PutObject")).toBeGreaterThan(1);
  const info = await backend.head(hashed);
  expect(info).toMatchObject({ md5 });
  expect(info.sha256).toBeUndefined();
  const other = createHash("md5").update("other").digest("hex");
  await expect(backend.put(hashed, CONTENT, { md5: other })).rejects.toMatchObject({ code: "corrupt" });
});

it("reports bytes that are damaged every time as corrupt, not as outcome_unknown", async () => {
  server.setFaults([{ operation: "PutObject", fault: { kind: "flip-byte" } }]);
  const never = parseKey("never.bin");
  await expect(backend.put(never, CONTENT)).rejects.toMatchObject({ code: "corrupt", attempts: 6 });
  await expect(backend.put(never, CONTENT, { ifNoneMatch: "*" })).rejects.toMatchObject({ code: "corrupt" });
  await expect(backend.head(never)).rejects.toMatchObject({ code: "not_found" });
});

it("resumes a body that is cut off or stalls, and verifies it as a whole", async () => {
  await backend.put(KEY, CONTENT);
  server.setFaults([
    { operation: "GetObject", nth: 1, fault: { kind: "truncate", afterBytes: 1000 } },
    { operation: "GetObject", nth: 2, fault: { kind: "stall", afterBytes: 50_000 } },
    { operation: "GetObject", nth: 3, fault: { kind: "reset", when: "during" } },
  ]);
  const { body } = await backend.get(KEY, { verify: true });
  expect(sha256(await body.bytes())).toBe(sha256(CONTENT));
  server.setFaults([
    { operation: "GetObject", nth: 1, fault: { kind: "truncate", afterBytes: 1000 } },
    { operation: "GetObject", nth: 2, fault: { kind: "flip-byte" } },
  ]);
  const again = await backend.get(KEY, { verify: true });
  await expect(again.body.bytes()).rejects.toMatchObject({ code: "corrupt" });
});

it("verifies an object that was uploaded by parts only if its SHA-256 was given", async () => {
  const large = new Uint8Array(9 * MIB).fill(3);
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield large;
  }
  await backend.put(KEY, stream());
  expect((await backend.head(KEY)).sha256).toBeUndefined();
  await backend.put(KEY, stream(), { sha256: sha256(large) });
  expect((await backend.head(KEY)).sha256).toBe(sha256(large));
  server.setFaults([{ operation: "GetObject", fault: { kind: "flip-byte" } }]);
  const { body } = await backend.get(KEY, { verify: true });
  await expect(body.bytes()).rejects.toMatchObject({ code: "corrupt" });
});

it("lists everything whatever the requested or forced size of the pages", async () => {
  const keys = Array.from({ length: 30 }, (_, i) => parseKey(`list/${String(i).padStart(2, "0")}`));
  for (const key of keys) await backend.put(key, new Uint8Array(1));
  for (const maxKeys of [1, 3, 1000]) {
    server.setFaults([
      { operation: "ListObjectsV2", fault: { kind: "short-pages", maxKeys } },
      { operation: "ListObjectsV2", nth: [2, 5], fault: { kind: "reset", when: "during" } },
    ]);
    server.requests.reset();
    const found: string[] = [];
    for await (const { key } of listObjects(backend, { prefix: parseKey("list") })) found.push(key);
    expect(found).toEqual(keys);
    expect(server.requests.count("ListObjectsV2")).toBeGreaterThanOrEqual(
      Math.ceil(30 / Math.min(maxKeys, 7)),
    );
  }
});

it("retries a temporary status", async () => {
  await backend.put(KEY, CONTENT);
  for (const status of [429, 500, 503] as const) {
    server.setFaults([{ operation: "HeadObject", nth: [1, 2], fault: { kind: "status", status } }]);
    expect((await backend.head(KEY)).sizeBytes).toBe(CONTENT.byteLength);
  }
});
