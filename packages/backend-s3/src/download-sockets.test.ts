import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseKey, type StorageBackend } from "@parquetry/core";
import type { RetryPolicy } from "@parquetry/core/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { createS3Backend, type S3BackendOptions } from "./s3-backend.ts";

const QUICK: RetryPolicy = { maxAttempts: 6, budgetMs: 20_000, baseDelayMs: 1, maxDelayMs: 20 };
const ONCE: RetryPolicy = { ...QUICK, maxAttempts: 1 };
const KEY = parseKey("a");
const ETAG = 'etag: "0123456789abcdef0123456789abcdef"';
const credentials = { accessKeyId: "parquetry-test-key", secretAccessKey: "parquetry-test-secret" };

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

function open(endpoint: string, options: Partial<S3BackendOptions> = {}): StorageBackend {
  const backend = createS3Backend({ bucket: "wire", endpoint, credentials, retry: QUICK, ...options });
  cleanUp.push(() => backend.close());
  return backend;
}

/** Starts a server that answers the requests with these bytes, in order; the last one also later requests. */
async function serve(
  ...answers: ((socket: Socket) => unknown)[]
): Promise<{ readonly endpoint: string; readonly requests: string[]; readonly sockets: Set<Socket> }> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (head) => {
      requests.push(head.toString("latin1"));
      answers[Math.min(requests.length, answers.length) - 1]?.(socket);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  // A server that listens by TCP has an address of this form.
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, sockets };
}

async function startServer(): Promise<S3Server> {
  const server = await startS3Server({ buckets: ["wire"] });
  cleanUp.push(() => server.close());
  return server;
}

const answer = (body: string, ...headers: string[]): string =>
  ["HTTP/1.1 200 OK", ETAG, `content-length: ${body.length}`, ...headers, "", body].join("\r\n");

async function closed(socket: Socket | undefined): Promise<void> {
  await new Promise((resolve) => (socket?.destroyed ? resolve(undefined) : socket?.once("close", resolve)));
}

async function read(backend: StorageBackend, signal?: AbortSignal): Promise<string> {
  const { body } = await backend.get(KEY, { mayReuseMemory: true, signal });
  let text = "";
  for await (const chunk of body) text += Buffer.from(chunk).toString("latin1");
  return text;
}

describe("a get whose body may reuse its memory", () => {
  it("uses a connection again, also after bodies that fill its memory", async () => {
    const bodies = ["one", "", "x".repeat(250_000), "y".repeat(1_000_000), "two"];
    const { endpoint, requests, sockets } = await serve(
      ...bodies.map((body) => (socket: Socket) => socket.write(answer(body))),
    );
    const backend = open(endpoint);
    for (const body of bodies) expect((await read(backend)) === body).toBe(true);
    expect([requests.length, sockets.size]).toEqual([bodies.length, 1]);
  });

  it("accepts a head that arrives byte by byte", async () => {
    const { endpoint, requests } = await serve(async (socket) => {
      for (const byte of answer("content")) {
        socket.write(byte);
        await sleep(1);
      }
    });
    expect(await read(open(endpoint))).toBe("content");
    expect(requests.length).toBe(1);
  });

  it("opens another connection if the server announces that it closes this one", async () => {
    const { endpoint, requests, sockets } = await serve((socket) =>
      socket.end(answer("content", "Connection: close")),
    );
    const backend = open(endpoint);
    for (let i = 0; i < 3; i++) expect(await read(backend)).toBe("content");
    expect([requests.length, sockets.size]).toEqual([3, 3]);
  });

  it.each([
    [
      "in chunks",
      `HTTP/1.1 200 OK\r\n${ETAG}\r\ntransfer-encoding: chunked\r\n\r\n7\r\ncontent\r\n0\r\n\r\n`,
    ],
    ["until the connection closes", `HTTP/1.1 200 OK\r\n${ETAG}\r\nconnection: close\r\n\r\ncontent`],
    ["after a provisional answer", `HTTP/1.1 103 Early Hints\r\n\r\n${answer("content")}`],
    ["by a server of HTTP/1.0", answer("content").replace("1.1", "1.0")],
    ["with a length in two headers", answer("content", "content-length: 7")],
  ])("leaves a body that is sent %s to the HTTP client of Node", async (_, text) => {
    const { endpoint, requests } = await serve((socket) => {
      if (text.includes("close") || text.includes("1.0 200")) socket.end(text);
      else socket.write(text);
    });
    const backend = open(endpoint, { retry: ONCE });
    const expected = await read(backend).catch(() => "refused");
    expect(expected).toBe(text.split("content-length").length > 2 ? "refused" : "content");
    expect(requests.length).toBe(2);
  });

  it("reports a refusal as any other get does", async () => {
    const server = await startServer();
    const backend = open(server.endpoint, { credentials: server.credentials });
    await expect(read(backend)).rejects.toMatchObject({ code: "not_found", storeCode: "NoSuchKey" });
    await backend.put(KEY, new Uint8Array(9));
    server.setFaults([{ operation: "GetObject", nth: 1, fault: { kind: "status", status: 503 } }]);
    expect((await read(backend)).length).toBe(9);
  });

  it("continues where a connection broke off", async () => {
    const server = await startServer();
    const backend = open(server.endpoint, { credentials: server.credentials });
    const bytes = randomBytes(5_000_000);
    await backend.put(KEY, bytes);
    server.setFaults([{ operation: "GetObject", nth: 1, fault: { kind: "reset", when: "during" } }]);
    expect((await read(backend)) === bytes.toString("latin1")).toBe(true);
  });

  it("fails if the body is cut, or longer than announced", async () => {
    const cut = await serve((socket) => socket.end(answer("content").slice(0, -2)));
    await expect(read(open(cut.endpoint, { retry: ONCE }))).rejects.toMatchObject({ code: "unavailable" });
    const long = await serve((socket) => socket.write(`${answer("content")}HTTP`));
    await expect(read(open(long.endpoint, { retry: ONCE }))).rejects.toMatchObject({ code: "unavailable" });
  });

  it("delivers what was sent to a reader that is slower than the store", async () => {
    const server = await startServer();
    const backend = open(server.endpoint, { credentials: server.credentials });
    const bytes = randomBytes(8_000_000);
    await backend.put(KEY, bytes);
    const { body } = await backend.get(KEY, { mayReuseMemory: true });
    let at = 0;
    let isSame = true;
    for await (const chunk of body) {
      await sleep(2);
      isSame &&= bytes.subarray(at, at + chunk.byteLength).equals(chunk);
      at += chunk.byteLength;
    }
    expect([at, isSame]).toEqual([bytes.byteLength, true]);
  });

  it("ends with aborted before the answer and in the body, and stays usable", async () => {
    const silent = await serve(() => {});
    const before = new AbortController();
    const waiting = read(open(silent.endpoint), before.signal);
    await sleep(50);
    before.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });

    const half = await serve(
      (socket) => socket.write(answer("content").slice(0, -2)),
      (socket) => socket.write(answer("content")),
    );
    const backend = open(half.endpoint);
    const during = new AbortController();
    const { body } = await backend.get(KEY, { mayReuseMemory: true, signal: during.signal });
    const reading = (async () => {
      for await (const _ of body) during.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: "aborted" });
    expect(await read(backend)).toBe("content");
  });

  it("fails with timeout if nothing more comes", async () => {
    const { endpoint } = await serve((socket) => socket.write(answer("content").slice(0, -2)));
    const backend = open(endpoint, { retry: ONCE, stallTimeoutMs: 200 });
    await expect(read(backend)).rejects.toMatchObject({ code: "timeout" });
  });

  it("does not send a header that would be two", async () => {
    const { endpoint, requests } = await serve((socket) => socket.write(answer("content")));
    const get = open(endpoint, { retry: ONCE }).get(KEY, { mayReuseMemory: true, ifMatch: "a\r\nx: y" });
    await expect(get).rejects.toThrow();
    expect(requests).toEqual([]);
  });

  it("drops a connection whose body was not read to its end, and that of a closed backend", async () => {
    const { endpoint, sockets } = await serve((socket) => socket.write(answer("x".repeat(3_000_000))));
    const backend = open(endpoint);
    const { body } = await backend.get(KEY, { mayReuseMemory: true });
    for await (const _ of body) break;
    await closed([...sockets][0]);
    await read(backend);
    expect(sockets.size).toBe(2);
    await backend.close();
    await closed([...sockets][1]);
  });
});
