import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type Key, parseKey, type StorageBackend } from "@parquetry/core";
import type { RetryPolicy } from "@parquetry/core/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterEach } from "vitest";
import { createS3Backend, type S3BackendOptions } from "../../src/s3-backend.ts";

const QUICK: RetryPolicy = { maxAttempts: 6, budgetMs: 20_000, baseDelayMs: 1, maxDelayMs: 20 };
/** Makes one attempt. */
export const ONCE: RetryPolicy = { ...QUICK, maxAttempts: 1 };
export const KEY: Key = parseKey("a");
export const ETAG = 'etag: "0123456789abcdef0123456789abcdef"';
const credentials = { accessKeyId: "parquetry-test-key", secretAccessKey: "parquetry-test-secret" };

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

/** Opens a backend, which is closed after the test. */
export function open(endpoint: string, options: Partial<S3BackendOptions> = {}): StorageBackend {
  const backend = createS3Backend({ bucket: "wire", endpoint, credentials, retry: QUICK, ...options });
  cleanUp.push(() => backend.close());
  return backend;
}

export type Scheme = "http" | "https";

/** A certificate for `localhost` with its key; vitest.config.ts lets the tests trust the first one. */
export const certificate = (
  name: "trusted" | "untrusted",
): { readonly cert: Buffer; readonly key: Buffer } => {
  const pem = readFileSync(new URL(`../tls/${name}.pem`, import.meta.url));
  return { cert: pem, key: pem };
};
export const TRUSTED = certificate("trusted");

/** Listens on a free port. Returns the endpoint. */
export async function listen(
  scheme: Scheme,
  onSocket: (socket: Socket) => void,
  identity = TRUSTED,
): Promise<string> {
  const sockets = new Set<Socket>();
  const accept = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  };
  const server: Server = scheme === "https" ? createTlsServer(identity, accept) : createServer(accept);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  // A server that listens by TCP has an address of this form.
  return `${scheme}://localhost:${(server.address() as AddressInfo).port}`;
}

/** Starts a server that answers the requests with these bytes, in order; the last one also later requests. */
export async function serve(
  scheme: Scheme,
  ...answers: ((socket: Socket) => unknown)[]
): Promise<{ readonly endpoint: string; readonly requests: string[]; readonly sockets: Set<Socket> }> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const endpoint = await listen(scheme, (socket) => {
    sockets.add(socket);
    socket.on("data", (head) => {
      requests.push(head.toString("latin1"));
      answers[Math.min(requests.length, answers.length) - 1]?.(socket);
    });
  });
  return { endpoint, requests, sockets };
}

/** Starts an S3 server; with https, behind a server that decrypts. */
export async function startServer(scheme: Scheme): Promise<S3Server> {
  const server = await startS3Server({ buckets: ["wire"] });
  cleanUp.push(() => server.close());
  if (scheme === "http") return server;
  const endpoint = await listen(scheme, (socket) => {
    const plain = connect(Number(new URL(server.endpoint).port), "127.0.0.1");
    socket.pipe(plain).pipe(socket);
    plain.once("close", () => socket.destroy()).on("error", () => {});
    socket.once("close", () => plain.destroy());
  });
  return { ...server, endpoint };
}

/** An answer with an object. */
export const answer = (body: string, ...headers: string[]): string =>
  ["HTTP/1.1 200 OK", ETAG, `content-length: ${body.length}`, ...headers, "", body].join("\r\n");

/** Reads the object, by a connection whose memory is reused. */
export async function read(backend: StorageBackend, signal?: AbortSignal): Promise<string> {
  const { body } = await backend.get(KEY, { mayReuseMemory: true, signal });
  let text = "";
  for await (const chunk of body) text += Buffer.from(chunk).toString("latin1");
  return text;
}
