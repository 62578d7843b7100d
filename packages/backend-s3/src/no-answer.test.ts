import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { abilitiesOf, DEFAULT_RETRY_POLICY, parseKey } from "@parquetry/core/backend";
import { createTransferLimits, NO_ANSWER, type NoAnswer } from "@parquetry/core/unstable";
import { startS3Server } from "@parquetry/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { createS3Backend, type S3BackendOptions } from "./s3-backend.ts";

const KEY = parseKey("k");
const CREDENTIALS = { accessKeyId: "a", secretAccessKey: "b" };
/** The report is due after 10 s, and the next one after 30 s. */
const REPORT = { timeout: 20_000 };
const servers: Server[] = [];

afterAll(() => {
  for (const server of servers) server.close();
});

/** Starts a TCP server that treats each connection in some way. */
async function serve(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const HEADERS =
  'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 100000\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n';

/** Sends a text byte by byte, one a second. */
function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++] ?? " "), 1000);
  socket.once("close", () => clearInterval(timer));
}

function open(endpoint: string, options: Partial<S3BackendOptions> = {}): ReturnType<typeof createS3Backend> {
  return createS3Backend({ bucket: "football", endpoint, credentials: CREDENTIALS, ...options });
}

/** Collects the reports about an endpoint. */
function reports(endpoint: string): { readonly list: NoAnswer[]; stop(): void } {
  const list: NoAnswer[] = [];
  const take = (message: unknown): void => {
    const answer = message as NoAnswer;
    if (answer.endpoint === endpoint) list.push(answer);
  };
  NO_ANSWER.subscribe(take);
  return { list, stop: () => NO_ANSWER.unsubscribe(take) };
}

describe.concurrent("a store that does not answer", () => {
  it.each<[string, "http" | "https", (socket: Socket) => void]>([
    ["accepts and says nothing", "http", (socket) => socket.resume()],
    ["swallows the TLS handshake", "https", (socket) => socket.resume()],
    [
      "sends headers and then nothing",
      "http",
      (socket) => socket.once("data", () => socket.write(HEADERS)).resume(),
    ],
    [
      "sends headers, a byte per second",
      "http",
      (socket) => socket.once("data", () => drip(socket, HEADERS)).resume(),
    ],
    [
      "sends a body, a byte per second",
      "http",
      (socket) =>
        socket
          .once("data", () => {
            socket.write(HEADERS);
            drip(socket, "");
          })
          .resume(),
    ],
  ])("is reported within 10 s if it %s", async (_, protocol, onConnection) => {
    const endpoint = await serve(onConnection);
    const { list, stop } = reports(endpoint);
    const backend = open(`${protocol}://${endpoint}`);
    const reading = backend.get(KEY).then(({ body }) => body.bytes());
    reading.catch(() => {});
    await expect.poll(() => list.length, REPORT).toBe(1);
    stop();
    await backend.close();
    expect(list).toHaveLength(1);
    expect(list[0]?.waitedMs).toBeGreaterThan(9000);
  });

  it("is reported although each attempt fails earlier, until it answers", async () => {
    const endpoint = await serve((socket) => socket.resume());
    const { list, stop } = reports(endpoint);
    const retry = { ...DEFAULT_RETRY_POLICY, maxAttempts: 40, maxDelayMs: 200 };
    const backend = open(`http://${endpoint}`, { stallTimeoutMs: 1000, retry });
    backend.head(KEY).catch(() => {});
    await expect.poll(() => list.length, REPORT).toBe(1);
    stop();
    await backend.close();
    expect(list).toHaveLength(1);
  });

  it("is not one that waits for a limit, or for its reader", async () => {
    await using server = await startS3Server({ buckets: ["football"] });
    const backend = open(server.endpoint, { credentials: server.credentials, stallTimeoutMs: 1000 });
    const { list, stop } = reports(new URL(server.endpoint).host);
    await backend.put(KEY, new Uint8Array(3_000_000));
    // Nobody reads on.
    const { body } = await backend.get(KEY);
    const iterator = body[Symbol.asyncIterator]();
    await iterator.next();
    // 5 KB/s: the pause between two pieces is far longer than the stall timeout of a request.
    const end = abilitiesOf(backend).limitedTransfers?.limit(createTransferLimits(2000));
    const slow = backend.put(parseKey("slow"), new Uint8Array(20_000));
    await Promise.all([slow, sleep(11_000)]);
    end?.();
    stop();
    expect(list).toEqual([]);
    expect((await backend.head(parseKey("slow"))).sizeBytes).toBe(20_000);
    await iterator.return?.();
    await backend.close();
  });

  it("fails with a timeout if it sends almost nothing", async () => {
    const endpoint = await serve((socket) =>
      socket
        .once("data", () => {
          socket.write(HEADERS);
          const timer = setInterval(() => socket.write("x"), 100);
          socket.once("close", () => clearInterval(timer));
        })
        .resume(),
    );
    const backend = open(`http://${endpoint}`, { stallTimeoutMs: 2000, retry: { maxAttempts: 1 } });
    const { body } = await backend.get(KEY);
    await expect(body.bytes()).rejects.toMatchObject({ code: "timeout", retry: "safe" });
    await backend.close();
  });
});
