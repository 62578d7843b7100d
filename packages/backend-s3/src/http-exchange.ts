import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { onAbort } from "@parquetry/core/unstable";
import type { S3Address } from "./s3-address.ts";

/** One HTTP request. */
export interface WireRequest {
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly path: string;
  /** Names and values alternately, including `host`. */
  readonly headers: readonly string[];
  readonly body?: Uint8Array | undefined;
  /** The longest time without a byte in either direction while the answer is due, in milliseconds. */
  readonly stallTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Connections to one host, kept open between requests. */
export interface HttpExchange {
  /** Sends a request and resolves when the answer begins. The body of the answer must be read or destroyed. */
  send(request: WireRequest): Promise<IncomingMessage>;
  /** Closes every connection. */
  close(): void;
}

/** Options of {@link createHttpExchange}. */
export interface ExchangeOptions {
  readonly address: S3Address;
  readonly maxConnections: number;
}

/** The time limit for opening a connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A connection that is unused for this long is closed, in milliseconds; earlier if the server announces a shorter time. */
const IDLE_TIMEOUT_MS = 20_000;

/** Creates an exchange. Nothing is sent yet. */
export function createHttpExchange({ address, maxConnections }: ExchangeOptions): HttpExchange {
  const { isSecure, hostname, port } = address;
  const options = {
    keepAlive: true,
    maxSockets: maxConnections,
    // Servers close idle connections. Reusing the most recent one first lets the others time out on this side.
    scheduling: "lifo",
    timeout: IDLE_TIMEOUT_MS,
  } as const;
  // Loads only the module in use, since TLS takes a while to load.
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
          // A request that waits for a connection emits no error when it is destroyed.
          reject(error);
        };
        request.on("error", reject);
        request.once("response", (response) => {
          answer = response;
          // A server that answers before the request is complete does not want the rest of it.
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
        // Node emits only the first timeout on the request.
        request.once("timeout", () => {
          const { socket } = request;
          let wasSlow = false;
          const stalled = (): void => {
            const isSlow = answer !== undefined && answer.readableLength > 0;
            // If the reader is slow, not the server, wait again; once more if the reader has continued since.
            if (isSlow || wasSlow) socket?.setTimeout(stallTimeoutMs);
            else fail(new TimeoutError(`no data for ${stallTimeoutMs} ms`));
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

/** Thrown when nothing happened for too long. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** Discards the body of an answer and returns its headers. */
export function drainAnswer(answer: IncomingMessage): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    answer.once("end", () => resolve(answer.headers));
    answer.once("error", reject);
    answer.resume();
  });
}

/** Reads the whole body of an answer. */
export function readAnswer(answer: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.once("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    answer.once("error", reject);
  });
}
