import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { onAbort } from "@parquetry/core/unstable";
import type { S3Address } from "./s3-address.ts";

/** One request as it goes over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly path: string;
  /** Names and values in turn, `host` among them. */
  readonly headers: readonly string[];
  readonly body?: Uint8Array | undefined;
  /** How long the connection may stand still while the answer is due, in milliseconds. */
  readonly stallTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Connections to one host, kept open between requests. */
export interface HttpExchange {
  /** Sends a request; resolves when the answer begins. Its body must be read or destroyed. */
  send(request: WireRequest): Promise<IncomingMessage>;
  /** Drops every connection. */
  close(): void;
}

/** What an exchange is made of. */
export interface ExchangeOptions {
  readonly address: S3Address;
  readonly maxConnections: number;
}

/** How long a connection may take to be made, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A connection that nobody used for this long is closed, in milliseconds; sooner where the server announces it. */
const IDLE_TIMEOUT_MS = 20_000;

/** Opens an exchange. Nothing is sent yet. */
export function createHttpExchange({ address, maxConnections }: ExchangeOptions): HttpExchange {
  const { isSecure, hostname, port } = address;
  const options = {
    keepAlive: true,
    maxSockets: maxConnections,
    // Idle connections are what a server closes; with the last used first, the others close by themselves.
    scheduling: "lifo",
    timeout: IDLE_TIMEOUT_MS,
  } as const;
  // The one that is needed: TLS takes a while to load.
  const { Agent, request: open } = process.getBuiltinModule(isSecure ? "node:https" : "node:http");
  const agent = new Agent(options);

  return {
    send: ({ method, path, headers, body, stallTimeoutMs, signal }) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const request = open({ agent, hostname, port, method, path, headers });
        let answer: IncomingMessage | undefined;
        const fail = (error: Error): void => {
          (answer ?? request).destroy(error);
          // A request that waits for a connection does not tell that it was destroyed.
          reject(error);
        };
        request.on("error", reject);
        request.once("response", (response) => {
          answer = response;
          // Whoever answers before the whole request is there does not want the rest of it.
          if (!request.writableFinished) {
            response.once("end", () => {
              if (!request.writableFinished) request.destroy();
            });
          }
          resolve(response);
        });
        request.once("socket", (socket) => {
          socket.setTimeout(stallTimeoutMs);
          if (socket.connecting) limitConnecting(request, fail);
        });
        // Node tells a request of the first silence alone.
        request.once("timeout", () => {
          const { socket } = request;
          let wasSlow = false;
          const stalled = (): void => {
            const isSlow = answer !== undefined && answer.readableLength > 0;
            // Where the reader is slow, not the server, the wait begins anew; once more where it has gone on since.
            if (isSlow || wasSlow) socket?.setTimeout(stallTimeoutMs);
            else fail(new TimeoutError(`nothing came for ${stallTimeoutMs} ms`));
            wasSlow = isSlow;
          };
          socket?.on("timeout", stalled);
          request.once("close", () => socket?.off("timeout", stalled));
          stalled();
        });
        if (signal !== undefined) {
          request.once(
            "close",
            onAbort(signal, () => fail(new Error("aborted"))),
          );
        }
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function limitConnecting(request: ClientRequest, fail: (error: Error) => void): void {
  const timer = setTimeout(() => {
    fail(new TimeoutError(`no connection within ${CONNECT_TIMEOUT_MS} ms`));
  }, CONNECT_TIMEOUT_MS);
  const stop = (): void => clearTimeout(timer);
  request.socket?.once("connect", stop);
  request.once("close", stop);
}

/** Says that nothing happened for too long. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** The headers of an answer, as soon as its body is over. */
export function drainAnswer(answer: IncomingMessage): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    answer.once("end", () => resolve(answer.headers));
    answer.once("error", reject);
    answer.resume();
  });
}

/** The whole body of an answer. */
export function readAnswer(answer: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.once("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    answer.once("error", reject);
  });
}
