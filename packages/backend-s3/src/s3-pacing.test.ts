import { parseKey, type StorageBackend } from "@parquetry/core";
import type { RetryPolicy } from "@parquetry/core/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createR2Backend, openS3Backend } from "./s3-backend.ts";
import { R2_PROFILE } from "./s3-profile.ts";

const QUICK: RetryPolicy = { maxAttempts: 6, budgetMs: 20_000, baseDelayMs: 1, maxDelayMs: 20 };
const RATE = 10;
const KEY = parseKey("manifest.json");
let server: S3Server;
let backend: StorageBackend;

beforeAll(async () => {
  // Slightly more than the client assumes, so that clocks do not decide.
  server = await startS3Server({ buckets: ["paced"], profile: "r2", writesPerSecondPerKey: RATE * 1.2 });
  const { endpoint, credentials } = server;
  backend = openS3Backend(
    { ...R2_PROFILE, writesPerSecondPerKey: RATE },
    { bucket: "paced", endpoint, credentials, retry: QUICK },
  );
});
beforeEach(() => server.requests.reset());
afterAll(async () => {
  await backend.close();
  await server.close();
});

it("writes no key more often than the store allows, so that it refuses none", async () => {
  const writes = Array.from({ length: 5 }, (_, i) => backend.put(KEY, new Uint8Array(i)));
  const others = Array.from({ length: 30 }, (_, i) => backend.put(parseKey(`other/${i}`), new Uint8Array(1)));
  await Promise.all([...writes, ...others]);
  expect(server.requests.count("PutObject")).toBe(35);
  expect((await backend.head(KEY)).sizeBytes).toBe(4);
});

it("does not delay the winning write by those that fail their condition", async () => {
  const key = parseKey("race");
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => backend.put(key, new Uint8Array(1), { ifNoneMatch: "*" })),
  );
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(server.requests.count("PutObject")).toBe(8);
});

it("aborts a write that waits for its turn, without letting others overtake", async () => {
  const controller = new AbortController();
  const first = backend.put(KEY, new Uint8Array(1));
  const second = backend.put(KEY, new Uint8Array(2), { signal: controller.signal });
  const third = backend.put(KEY, new Uint8Array(3));
  controller.abort();
  await expect(second).rejects.toMatchObject({ code: "aborted" });
  await Promise.all([first, third]);
  expect(server.requests.count("PutObject")).toBe(2);
  expect((await backend.head(KEY)).sizeBytes).toBe(3);
});

it("waits until the writes of another process are accounted for", async () => {
  const { endpoint, credentials } = server;
  const other = createR2Backend({
    bucket: "paced",
    endpoint,
    credentials,
    retry: { ...QUICK, baseDelayMs: 50, maxDelayMs: 500 },
  });
  await backend.put(KEY, new Uint8Array(1));
  await other.put(KEY, new Uint8Array(7));
  expect((await backend.head(KEY)).sizeBytes).toBe(7);
  await other.close();
});
