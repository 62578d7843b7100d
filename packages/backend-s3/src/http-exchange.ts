import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { onAbort, type TransferLimits } from "@parquetry/core/unstable";
import { createAnswerWatch } from "./answer-watch.ts";
import type { RawAnswer } from "./raw-socket.ts";
import { createRawSockets, type RawSockets } from "./raw-sockets.ts";
import { createRequestPacer, type RequestPacer } from "./request-pacer.ts";
import type { S3Address } from "./s3-address.ts";
import type { WireRequest } from "./wire-request.ts";

/** Connections to one host, kept open between requests. */
export interface HttpExchange {
  /** Sends a request and resolves when the answer begins. The body of the answer must be read or destroyed. */
  send(request: WireRequest): Promise<IncomingMessage>;
  /** Sends a request as {@link RawSockets.send} does. Resolves to undefined if the bandwidth is limited, too. */
  sendRaw(request: WireRequest): Promise<RawAnswer | undefined>;
  /** Closes every connection. */
  close(): void;
}

/** Options of {@link createHttpExchange}. */
export interface ExchangeOptions {
  readonly address: S3Address;
  readonly maxConnections: number;
  /** The bandwidth limits that apply at the moment. */
  readonly limits: ReadonlyMap<TransferLimits, unknown>;
}

/** Bodies are written in pieces of this size, in bytes, so that it shows how far they have come. */
const WRITE_BYTES = 256 * 1024;

/** The time limit for opening a connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A connection that is unused for this long is closed, in milliseconds; earlier if the server announces a shorter time. */
const IDLE_TIMEOUT_MS = 20_000;

/** Creates an exchange. Nothing is sent yet. */
export function createHttpExchange({ address, maxConnections, limits }: ExchangeOptions): HttpExchange {
  const { isSecure, hostname, port, host } = address;
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
  const watch = createAnswerWatch(host);
  let raw: RawSockets | undefined;
  const pacer = createRequestPacer(limits);

  const exchange = (wire: WireRequest, pace?: RequestPacer): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { method, path, headers, body, stallTimeoutMs, isHeavy, signal } = wire;
      signal?.throwIfAborted();
      const request = open({ agent, hostname, port, method, path, headers });
      let answer: IncomingMessage | undefined;
      let isPaused = false;
      let isFailed = false;
      let sentBytes = 0;
      let readBefore = 0;
      const isReaderSlow = (): boolean => answer !== undefined && answer.readableLength > 0;
      const fail = (error: Error): void => {
        isFailed = true;
        (answer ?? request).destroy(error);
        // A request that waits for a connection emits no error when it is destroyed.
        reject(error);
      };
      const endWatch = watch.begin({
        stallTimeoutMs,
        isHeavy,
        isOurTurn: () => isPaused || isReaderSlow(),
        isSent: () => request.writableFinished,
        movedBytes: () => sentBytes + (request.socket?.bytesRead ?? readBefore) - readBefore,
        onStalled: () => fail(new TimeoutError(`almost no data for ${stallTimeoutMs} ms`)),
      });
      request.once("close", () => endWatch(answer !== undefined && !isFailed));
      request.on("error", reject);
      request.once("response", (response) => {
        answer = response;
        response.once("error", () => {
          isFailed = true;
        });
        pace?.received(response);
        // A server that answers before the request is complete does not want the rest of it.
        if (!request.writableFinished) {
          response.once("end", () => {
            if (!request.writableFinished) request.destroy();
          });
        }
        resolve(response);
      });
      request.once("socket", (socket) => {
        readBefore = socket.bytesRead;
        socket.setTimeout(stallTimeoutMs);
        if (socket.connecting) limitConnecting(request, isSecure ? "secureConnect" : "connect", fail);
      });
      // Node emits only the first timeout on the request.
      request.once("timeout", () => {
        const { socket } = request;
        let wasSlow = false;
        const stalled = (): void => {
          const isSlow = isPaused || isReaderSlow();
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

      /** Writes the body in pieces; the pacer has already admitted the first one. */
      const write = (bytes: Uint8Array): void => {
        const size = pace?.sliceBytes ?? WRITE_BYTES;
        const piece = bytes.subarray(sentBytes, sentBytes + size);
        if (sentBytes + piece.byteLength >= bytes.byteLength)
          return void request.end(piece, () => pace?.sent());
        request.write(piece, (error) => {
          if (error || request.destroyed) return;
          sentBytes += piece.byteLength;
          if (pace === undefined) return write(bytes);
          isPaused = true;
          pace.next(bytes.byteLength - sentBytes, signal).then(
            () => {
              isPaused = false;
              if (!request.destroyed) write(bytes);
            },
            // The signal fired, which also ends the request.
            () => {},
          );
        });
      };
      if (pace !== undefined) request.once("close", () => pace.sent());
      if (body === undefined) request.end();
      else write(body);
    });

  return {
    send: (wire) => (limits.size === 0 ? exchange(wire) : pacer(wire).then((pace) => exchange(wire, pace))),
    async sendRaw(wire) {
      if (limits.size > 0) return undefined;
      raw ??= createRawSockets(address, watch, maxConnections);
      return raw.send(wire);
    },
    close() {
      agent.destroy();
      raw?.close();
    },
  };
}

function limitConnecting(
  request: ClientRequest,
  connected: "connect" | "secureConnect",
  fail: (error: Error) => void,
): void {
  const timer = setTimeout(() => {
    fail(new TimeoutError(`no connection within ${CONNECT_TIMEOUT_MS} ms`));
  }, CONNECT_TIMEOUT_MS);
  const stop = (): void => clearTimeout(timer);
  request.socket?.once(connected, stop);
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
