import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { parseKey, type StorageBackend } from "@parquetry/core";
import type { RetryPolicy } from "@parquetry/core/backend";
import { startS3Server } from "@parquetry/testkit";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createS3Backend, DEFAULT_MAX_CONNECTIONS, type S3BackendOptions } from "./s3-backend.ts";

const MIB = 1024 * 1024;
const QUICK: RetryPolicy = { maxAttempts: 6, budgetMs: 20_000, baseDelayMs: 1, maxDelayMs: 20 };
const ONCE: RetryPolicy = { ...QUICK, maxAttempts: 1 };
const KEY = parseKey("a");
const ETAG = '"0123456789abcdef0123456789abcdef"';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

/** Starts a server for answers that no correct server gives. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<{
  readonly server: Server;
  readonly endpoint: string;
}> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  // A server that listens by TCP has an address of this form.
  const { port } = server.address() as AddressInfo;
  return { server, endpoint: `http://127.0.0.1:${port}` };
}

function open(endpoint: string, options: Partial<S3BackendOptions> = {}): StorageBackend {
  const credentials = { accessKeyId: "parquetry-test-key", secretAccessKey: "parquetry-test-secret" };
  const backend = createS3Backend({ bucket: "wire", endpoint, credentials, retry: QUICK, ...options });
  cleanUp.push(() => backend.close());
  return backend;
}

it("settles a conditional put on a connection that the server has just closed instead of repeating it blindly", async () => {
  const seen: string[] = [];
  const { endpoint } = await serve((request, response) => {
    seen.push(request.method ?? "");
    request.resume();
    if (seen.length === 2) request.socket.destroy();
    else if (request.method === "HEAD") response.writeHead(404).end();
    else request.on("end", () => response.writeHead(200, { etag: ETAG }).end());
  });
  const backend = open(endpoint);
  await backend.put(KEY, new Uint8Array(9), { ifNoneMatch: "*" });
  await backend.put(KEY, new Uint8Array(9), { ifNoneMatch: "*" });
  expect(seen).toEqual(["PUT", "PUT", "HEAD", "PUT"]);
});

it("accepts an answer that arrives before the body was sent, and does not reuse its connection", async () => {
  const sockets = new Set<unknown>();
  const { endpoint } = await serve((request, response) => {
    sockets.add(request.socket);
    // Reads nothing.
    response.writeHead(412, { "content-type": "application/xml" });
    response.end("<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>");
  });
  const backend = open(endpoint);
  for (let i = 0; i < 3; i++) {
    await expect(backend.put(KEY, new Uint8Array(8 * MIB), { ifNoneMatch: "*" })).rejects.toMatchObject({
      code: "already_exists",
    });
  }
  expect(sockets.size).toBe(3);
});

it("reports an error under status 200 as a failure", async () => {
  const { endpoint } = await serve((request, response) => {
    request.resume();
    if (request.method === "HEAD") response.writeHead(200, { etag: ETAG, "content-length": "3" }).end();
    else {
      response.writeHead(200).write(" \n");
      response.end(
        "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>",
      );
    }
  });
  await expect(open(endpoint, { retry: ONCE }).copy(KEY, parseKey("b"))).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("InternalError"),
  });
});

it.each([
  ["cut", "<ListBucketResult><Contents><Key>a</Key>"],
  ["not XML", "upstream failed"],
  ["without a place to go on from", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"],
])("fails a listing that is %s instead of shortening it", async (_, text) => {
  const { endpoint } = await serve((_request, response) => response.writeHead(200).end(text));
  const listing = open(endpoint, { retry: ONCE }).list()[Symbol.asyncIterator]();
  const read = async (): Promise<void> => {
    while (!(await listing.next()).done);
  };
  await expect(read()).rejects.toMatchObject({ code: "unavailable" });
});

it("reports each key of a batch separately, and retries a failed one alone", async () => {
  const server = await startS3Server({ buckets: ["wire"] });
  cleanUp.push(() => server.close());
  const { endpoint, credentials } = server;
  const keys = ["a", "b & <c>", "d"].map((name) => parseKey(name));
  const backend = open(endpoint, { credentials });
  for (const key of keys) await backend.put(key, new Uint8Array(1));
  server.setFaults([{ operation: "DeleteObjects", key: "b & <c>", fault: { kind: "status", status: 500 } }]);
  for await (const { error } of backend.delete(keys)) expect(error).toBeUndefined();
  expect(server.requests.byOperation()).toMatchObject({ DeleteObjects: 1, DeleteObject: 1 });
});

it("deletes key by key if the store does not support batches", async () => {
  const seen: string[] = [];
  const { endpoint } = await serve((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(request.method === "POST" ? 501 : 204).end();
  });
  const results = [];
  for await (const { error } of open(endpoint).delete([KEY, parseKey("b")])) results.push(error);
  expect(results).toEqual([undefined, undefined]);
  expect(seen).toEqual(["POST /wire?delete=", "DELETE /wire/a", "DELETE /wire/b"]);
});

describe.each(["plain.csv", "NoSuchBucket.csv", "NoSuchUpload", "HTTP 416", "InvalidRange"])(
  "a key named %s",
  (name) => {
    const key = parseKey(name);
    const refusing = (status: number, code: string): ReturnType<typeof serve> =>
      serve((request, response) => {
        request.resume();
        response.writeHead(status).end(`<Error><Code>${code}</Code><Message>${name}</Message></Error>`);
      });
    const deleted = async (endpoint: string): Promise<unknown> => {
      for await (const { error } of open(endpoint).delete([key])) return error;
      throw new Error("no result");
    };

    it("gets the errors of every other request", async () => {
      const server = await startS3Server({ buckets: ["wire"] });
      cleanUp.push(() => server.close());
      const backend = open(server.endpoint, { credentials: server.credentials });
      await expect(backend.put(key, new Uint8Array(1), { ifMatch: "0" })).rejects.toMatchObject({
        code: "precondition_failed",
      });
      await backend.put(key, new Uint8Array(1));
      await expect(backend.get(key, { range: { start: 9 } })).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining("range"),
      });
    });

    it("has only failures of its range reported as such", async () => {
      const { endpoint } = await refusing(400, "InvalidRequest");
      await expect(open(endpoint).get(key, { range: { start: 9 } })).rejects.toMatchObject({
        code: "invalid_argument",
        storeCode: "InvalidRequest",
      });
    });

    it("counts as deleted when it is missing, but not when its bucket is", async () => {
      const missing = await refusing(404, "NoSuchKey");
      expect(await deleted(missing.endpoint)).toBeUndefined();
      const gone = await refusing(404, "NoSuchBucket");
      expect(await deleted(gone.endpoint)).toMatchObject({ code: "not_found", storeCode: "NoSuchBucket" });
      await expect(open(gone.endpoint).put(key, new Uint8Array(1), { ifMatch: "0" })).rejects.toMatchObject({
        code: "not_found",
        storeCode: "NoSuchBucket",
      });
    });
  },
);

it.each([
  ["the whole object", 200, {}, "content"],
  ["another part", 206, { "content-range": "bytes 4-6/7" }, "ent"],
  ["less than the range", 206, { "content-range": "bytes 1-2/7" }, "on"],
  ["fewer bytes than it says", 206, { "content-range": "bytes 1-5/7" }, "on"],
])("rejects %s for a range", async (_, status, headers, body) => {
  const { endpoint } = await serve((_request, response) => {
    response.writeHead(status, { etag: ETAG, "content-length": body.length, ...headers }).end(body);
  });
  for (const mayReuseMemory of [true, false])
    await expect(
      open(endpoint).get(KEY, { range: { start: 1, end: 6 }, mayReuseMemory }),
    ).rejects.toMatchObject({
      code: "not_supported",
      message: expect.stringContaining("the store ignores ranges"),
    });
});

it("rejects a part of an object for the whole, and another version for the one that was asked for", async () => {
  const { endpoint } = await serve((request, response) => {
    const isPart = request.headers["if-match"] === undefined;
    const range = isPart ? { "content-range": "bytes 0-2/7" } : {};
    response.writeHead(isPart ? 206 : 200, { etag: ETAG, "content-length": 3, ...range }).end("con");
  });
  for (const mayReuseMemory of [true, false]) {
    const backend = open(endpoint, { retry: ONCE });
    await expect(backend.get(KEY, { mayReuseMemory })).rejects.toMatchObject({ code: "not_supported" });
    const other = backend.get(KEY, { ifMatch: "0".repeat(32), mayReuseMemory });
    await expect(other).rejects.toMatchObject({ code: "precondition_failed" });
  }
});

it("reports a range beyond the end also where the server's 416 has no body", async () => {
  const { endpoint } = await serve((_request, response) => response.writeHead(416).end());
  await expect(open(endpoint).get(KEY, { range: { start: 9 } })).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("range"),
  });
});

it("names the region of a bucket in another region", async () => {
  const { endpoint } = await serve((_request, response) => {
    response.writeHead(301, { "x-amz-bucket-region": "eu-west-3" }).end();
  });
  await expect(open(endpoint).head(KEY)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("eu-west-3, not us-east-1"),
  });
});

it("names the region that it signed for where the store does not say which one is right", async () => {
  const { endpoint } = await serve((_request, response) => {
    response.writeHead(400).end("<Error><Code>AuthorizationHeaderMalformed</Code></Error>");
  });
  await expect(open(endpoint).get(KEY)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("the bucket is not in the region us-east-1; set its region"),
  });
});

it("honours Retry-After in seconds and as a date", async () => {
  const later = new Date(Date.now() + 3_600_000).toUTCString();
  for (const [value, least, most] of [
    ["7", 7000, 7000],
    [later, 3_500_000, 3_600_000],
  ] as const) {
    const { endpoint } = await serve((_request, response) => {
      response.writeHead(503, { "retry-after": value }).end();
    });
    const error = await open(endpoint, { retry: ONCE })
      .head(KEY)
      .catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "unavailable", retryAfterMs: expect.any(Number) });
    const { retryAfterMs } = error as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThanOrEqual(least);
    expect(retryAfterMs).toBeLessThanOrEqual(most);
  }
});

it("corrects a clock that is an hour off by the store's, for the first request and all later ones", async () => {
  const server = await startS3Server({ buckets: ["wire"] });
  cleanUp.push(() => server.close());
  server.setFaults([{ fault: { kind: "clock-skew", ms: 3_600_000 } }]);
  const backend = open(server.endpoint, { credentials: server.credentials, retry: ONCE });
  const keys = Array.from({ length: 8 }, (_, i) => parseKey(`${i}`));
  await Promise.all(keys.map((key) => backend.put(key, new Uint8Array(9), { ifNoneMatch: "*" })));
  const sent = server.requests.count("PutObject");
  expect(sent).toBeGreaterThan(8);
  await backend.put(KEY, new Uint8Array(9));
  expect(server.requests.count("PutObject")).toBe(sent + 1);
});

it("waits for a slow reader, but not for a server that sends nothing", async () => {
  const server = await startS3Server({ buckets: ["wire"] });
  cleanUp.push(() => server.close());
  const backend = open(server.endpoint, { credentials: server.credentials, stallTimeoutMs: 150 });
  await backend.put(KEY, new Uint8Array(6 * MIB).fill(1));
  let bytes = 0;
  for await (const chunk of (await backend.get(KEY)).body) {
    if (bytes === 0) await sleep(600);
    bytes += chunk.byteLength;
  }
  expect(bytes).toBe(6 * MIB);
  expect(server.requests.count("GetObject")).toBe(1);

  const silent = await serve(() => {});
  await expect(open(silent.endpoint, { retry: ONCE, stallTimeoutMs: 150 }).head(KEY)).rejects.toMatchObject({
    code: "timeout",
  });
});

it("does not wait for a server that stalls after its reader has paused", async () => {
  const { endpoint } = await serve((_request, response) => {
    response.writeHead(200, { etag: ETAG, "content-length": String(2 * MIB) });
    // The rest never comes.
    response.write(new Uint8Array(MIB));
  });
  const { body } = await open(endpoint, { retry: ONCE, stallTimeoutMs: 150 }).get(KEY);
  const read = async (): Promise<void> => {
    let bytes = 0;
    for await (const chunk of body) {
      if (bytes === 0) await sleep(400);
      bytes += chunk.byteLength;
    }
  };
  await expect(read()).rejects.toMatchObject({ code: "timeout" });
});

it("waits longer for a store that copies an object", async () => {
  const server = await startS3Server({ buckets: ["wire"] });
  cleanUp.push(() => server.close());
  const { endpoint, credentials } = server;
  const backend = open(endpoint, { credentials, stallTimeoutMs: 150, retry: ONCE });
  await backend.put(KEY, new Uint8Array(9));
  server.setFaults([{ operation: "CopyObject", fault: { kind: "latency", ms: 400 } }]);
  await backend.copy(KEY, parseKey("b"));
  expect(server.requests.count("CopyObject")).toBe(1);
});

it("sends nothing after an abort while credentials are fetched", async () => {
  let requests = 0;
  const { endpoint } = await serve((_request, response) => {
    requests++;
    response.end();
  });
  const controller = new AbortController();
  vi.stubEnv("AWS_ACCESS_KEY_ID", "parquetry-test-key");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "parquetry-test-secret");
  vi.stubEnv("AWS_PROFILE", undefined);
  // The credentials come from the AWS chain, whose code is loaded first.
  const backend = createS3Backend({ bucket: "wire", endpoint, retry: ONCE });
  cleanUp.push(() => backend.close());
  const heading = backend.head(KEY, { signal: controller.signal });
  await setImmediate();
  controller.abort();
  await expect(heading).rejects.toMatchObject({ code: "aborted" });
  vi.unstubAllEnvs();
  expect(requests).toBe(0);
});

it("frees a connection on abort, whether the request waits for it, for the answer or for the body", async () => {
  let heads = 0;
  const { server, endpoint } = await serve((request, response) => {
    if (request.url?.endsWith("/body") === true) {
      response.writeHead(200, { etag: ETAG, "content-length": "99" }).flushHeaders();
    } else heads++;
  });
  const backend = open(endpoint, { maxConcurrent: 1000 });
  const controller = new AbortController();
  const { signal } = controller;
  const pending = Array.from({ length: DEFAULT_MAX_CONNECTIONS + 44 }, (_, i) =>
    backend.head(parseKey(`head/${i}`), { signal }).catch((error: unknown) => error),
  );
  // Every connection waits for an answer, and the other requests wait for a connection.
  while (heads < DEFAULT_MAX_CONNECTIONS) await sleep(5);
  const { body } = await open(endpoint).get(parseKey("body"), { signal });
  const reading = body.bytes().catch((error: unknown) => error);
  controller.abort();
  for (const error of await Promise.all([...pending, reading])) {
    expect(error).toMatchObject({ code: "aborted" });
  }
  expect(heads).toBe(DEFAULT_MAX_CONNECTIONS);
  const connections = async (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
  while ((await connections()) > 0) await sleep(5);
});

it("refuses operations after close", async () => {
  const { endpoint } = await serve((_request, response) => response.end());
  const backend = open(endpoint);
  await backend.close();
  await expect(backend.head(KEY)).rejects.toMatchObject({ code: "invalid_argument" });
});

it.each([
  [403, "AccountProblem", "unauthenticated", "suspended"],
  [403, "UserSuspended", "unauthenticated", "suspended"],
  [400, "ExpiredToken", "unauthenticated", "has expired"],
  [403, "QuotaExceeded", "unavailable", "quota"],
  [507, "XMinioStorageFull", "unavailable", "no space left"],
  [507, "", "unavailable", "no space left"],
  [400, "KMS.DisabledException", "permission_denied", "encryption key"],
  [403, "KMS.AccessDeniedException", "permission_denied", "encryption key"],
])("explains %i %s as %s, which is not repeated", async (status, code, meaning, says) => {
  let requests = 0;
  const { endpoint } = await serve((request, response) => {
    requests++;
    request.resume();
    response.writeHead(status);
    response.end(code === "" ? "" : `<Error><Code>${code}</Code><Message>no</Message></Error>`);
  });
  const error = { code: meaning, retry: "never", storeCode: code || "InsufficientStorage" };
  const put = open(endpoint).put(KEY, new Uint8Array(3));
  await expect(put).rejects.toMatchObject({ ...error, message: expect.stringContaining(says) });
  expect(requests).toBe(1);
});
