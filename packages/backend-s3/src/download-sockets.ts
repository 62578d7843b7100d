import type { IncomingHttpHeaders } from "node:http";
import type { OnReadOpts, Socket } from "node:net";
import { onAbort, reusedMemory } from "@parquetry/core/unstable";
import type { AnswerWatch } from "./answer-watch.ts";
import { type DownloadHead, headText, isSuccess, parseHead } from "./download-head.ts";
import { refusalBody } from "./refusal-body.ts";
import type { S3Address } from "./s3-address.ts";
import type { WireRequest } from "./wire-request.ts";

/** An answer with the body of an object, whose chunks are overwritten once the next one is requested, or a refusal. */
export interface Download extends AsyncIterable<Uint8Array> {
  readonly statusCode: number;
  /** The headers, names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Closes the connection. */
  destroy(): void;
}

/** Connections that read large bodies into buffers that they reuse. */
export interface DownloadSockets {
  /**
   * Sends a request without a body and resolves when the answer begins. Resolves to undefined if the request has to be sent by other
   * means: for any answer but a body of a known length or a short refusal, and while as many connections are in use as are allowed. The
   * body must be read or destroyed.
   */
  send(request: WireRequest): Promise<Download | undefined>;
  /** Closes every connection. */
  close(): void;
}

/** How much memory is read into at once, in bytes. A connection allocates it two or three times. */
const BLOCK_BYTES = 256 * 1024;

/** With less of it left, the next read goes to another block, in bytes. */
const MIN_READ_BYTES = 64 * 1024;

/** The time limit for opening a connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** After this many answers in a row that had to be requested again, as a store always frames its bodies in another way, none is tried. */
const MAX_LOST = 3;

/** A connection that is unused for this long is closed, in milliseconds: earlier than servers close theirs. */
const IDLE_TIMEOUT_MS = 4_000;

/**
 * Creates connections that read bodies without the HTTP client of Node, which allocates memory for each chunk of a body and copies
 * it: that takes five times the CPU time. Nothing is sent yet.
 */
export function createDownloadSockets(
  address: S3Address,
  watch: AnswerWatch,
  maxConnections: number,
): DownloadSockets {
  const idle: DownloadSocket[] = [];
  const open = new Set<DownloadSocket>();
  let isClosed = false;
  let lostInARow = 0;
  return {
    send(request) {
      const head = headText(request);
      if (head === undefined || isClosed || lostInARow >= MAX_LOST) return Promise.resolve(undefined);
      if (request.signal?.aborted) return Promise.reject(new Error("aborted"));
      let socket = idle.pop();
      if (socket === undefined) {
        if (open.size >= maxConnections) return Promise.resolve(undefined);
        const created = new DownloadSocket(address, watch, {
          onIdle: () => idle.push(created),
          onSuccess: (isUsable) => {
            lostInARow = isUsable ? 0 : lostInARow + 1;
          },
          onEnd() {
            open.delete(created);
            const at = idle.indexOf(created);
            if (at >= 0) idle.splice(at, 1);
          },
        });
        open.add(created);
        socket = created;
      }
      return socket.send(head, request);
    },
    close() {
      isClosed = true;
      for (const socket of open) socket.destroy();
    },
  };
}

/** Memory that a socket reads into. */
interface Block {
  readonly bytes: Uint8Array;
  /** How much of it has been filled. */
  filled: number;
  /** How many chunks of it have not been released by their reader. */
  out: number;
}

/** An answer that is being received. */
interface Exchange {
  readonly stallTimeoutMs: number;
  readonly settle: (download: Download | undefined) => void;
  readonly reject: (error: Error) => void;
  /** Where the head begins in its block; undefined before any of it has come. */
  headStart: number | undefined;
  /** How much of the body has not been received, in bytes; undefined before the head is complete. */
  restBytes: number | undefined;
  keepsAlive: boolean;
  /** The refusal that is being received, which is returned whole. */
  refusal: { readonly head: DownloadHead; received: Buffer } | undefined;
  readonly chunks: { readonly block: Block; readonly bytes: Uint8Array }[];
  /** How much has been received and not been read, in bytes. */
  unreadBytes: number;
  failure: Error | undefined;
  /** Wakes the reader. */
  wake: () => void;
  /** Ends the watch for stalls: the answer is complete, or will not be. */
  endWatch: (isAnswered: boolean) => void;
  /** Ends the watch for aborts. */
  forget: () => void;
}

interface SocketEvents {
  /** The connection can be used for another request. */
  readonly onIdle: () => void;
  readonly onEnd: () => void;
  /** A success has come; not usable if it has to be requested again by other means. */
  readonly onSuccess: (isUsable: boolean) => void;
}

class DownloadSocket {
  readonly #socket: Socket;
  readonly #watch: AnswerWatch;
  readonly #onIdle: () => void;
  readonly #onEnd: () => void;
  readonly #onSuccess: (isUsable: boolean) => void;
  #blocks: Block[] = [];
  #block: Block;
  #exchange: Exchange | undefined;

  constructor(
    { isSecure, hostname, port }: S3Address,
    watch: AnswerWatch,
    { onIdle, onEnd, onSuccess }: SocketEvents,
  ) {
    this.#watch = watch;
    this.#onIdle = onIdle;
    this.#onEnd = onEnd;
    this.#onSuccess = onSuccess;
    this.#block = this.#addBlock();
    const onread: OnReadOpts = {
      buffer: () => this.#memory(),
      callback: (bytes) => this.#received(bytes),
    };
    const place = { host: hostname, port, onread };
    const { isIP, connect } = process.getBuiltinModule("node:net");
    // A certificate is compared with the name of the host, which is not sent if it is an address.
    const names = isIP(hostname) === 0 ? { servername: hostname } : {};
    const tls = { ...place, ...names, ALPNProtocols: ["http/1.1"] };
    this.#socket = isSecure ? process.getBuiltinModule("node:tls").connect(tls) : connect(place);
    this.#socket.setNoDelay(true);
    const timer = setTimeout(() => {
      this.#fail(timeoutError(`no connection within ${CONNECT_TIMEOUT_MS} ms`));
    }, CONNECT_TIMEOUT_MS);
    this.#socket.once(isSecure ? "secureConnect" : "connect", () => clearTimeout(timer));
    this.#socket.once("close", () => {
      clearTimeout(timer);
      this.#fail(closedError());
    });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.once("end", () => this.#fail(closedError()));
    this.#socket.on("timeout", () => this.destroy());
  }

  send(head: string, { stallTimeoutMs, signal }: WireRequest): Promise<Download | undefined> {
    return new Promise((settle, reject) => {
      const readBefore = this.#socket.bytesRead;
      const exchange: Exchange = {
        stallTimeoutMs,
        settle,
        reject,
        headStart: undefined,
        restBytes: undefined,
        keepsAlive: true,
        refusal: undefined,
        chunks: [],
        unreadBytes: 0,
        failure: undefined,
        wake() {},
        endWatch() {},
        forget() {},
      };
      this.#exchange = exchange;
      exchange.endWatch = this.#watch.begin({
        stallTimeoutMs,
        isHeavy: false,
        isOurTurn: () => exchange.unreadBytes > 0,
        isSent: () => true,
        movedBytes: () => this.#socket.bytesRead - readBefore,
        onStalled: () => this.#fail(timeoutError(`almost no data for ${stallTimeoutMs} ms`)),
      });
      if (signal !== undefined) exchange.forget = onAbort(signal, () => this.#fail(new Error("aborted")));
      this.#socket.setTimeout(0);
      this.#socket.ref();
      this.#socket.write(head, "latin1");
    });
  }

  destroy(): void {
    this.#fail(closedError());
  }

  /** Ends what is under way with an error, and the connection. */
  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#blocks = [];
    this.#socket.destroy();
    this.#onEnd();
    if (exchange === undefined) return;
    exchange.endWatch(exchange.restBytes === 0);
    exchange.forget();
    if (exchange.restBytes === 0) return;
    exchange.failure = error;
    exchange.reject(error);
    exchange.wake();
  }

  /** Returns the memory for the next read. */
  #memory(): Uint8Array {
    // A head stays in one block, and is shorter than what is left of it at least.
    const isInHead = this.#exchange?.headStart !== undefined && this.#exchange.restBytes === undefined;
    if (this.#block.out === 0 && !isInHead) this.#block.filled = 0;
    if (BLOCK_BYTES - this.#block.filled < MIN_READ_BYTES && !isInHead) {
      this.#block = this.#blocks.find(({ out }) => out === 0) ?? this.#addBlock();
      this.#block.filled = 0;
    }
    return this.#block.bytes.subarray(this.#block.filled);
  }

  #addBlock(): Block {
    const bytes = new Uint8Array(reusedMemory(new ArrayBuffer(BLOCK_BYTES)));
    const block = { bytes, filled: 0, out: 0 };
    this.#blocks.push(block);
    return block;
  }

  /** Takes what was read into the memory. Returns false to stop reading until the reader has caught up. */
  #received(bytes: number): boolean {
    const exchange = this.#exchange;
    const start = this.#block.filled;
    const end = start + bytes;
    this.#block.filled = end;
    // Nothing is expected, so this is not an answer to a request.
    if (exchange === undefined) this.destroy();
    else if (exchange.restBytes === undefined) this.#receivedHead(exchange, start, end);
    else if (exchange.refusal !== undefined)
      this.#receivedRefusal(exchange, exchange.refusal, this.#block.bytes.subarray(start, end));
    else this.#receivedBody(exchange, start, end);
    return exchange === undefined || exchange.unreadBytes < BLOCK_BYTES;
  }

  #receivedHead(exchange: Exchange, start: number, end: number): void {
    exchange.headStart ??= start;
    const received = this.#block.bytes.subarray(exchange.headStart, end);
    const head = parseHead(received);
    if (head === "incomplete") return;
    if (head === undefined) {
      if (isSuccess(received)) this.#onSuccess(false);
      this.#leave(exchange);
      return;
    }
    exchange.keepsAlive = head.keepsAlive;
    const { statusCode, headers, headBytes, bodyBytes } = head;
    if (statusCode >= 300 || bodyBytes === undefined) {
      // Not known before it is complete.
      exchange.restBytes = Number.POSITIVE_INFINITY;
      exchange.refusal = { head, received: Buffer.alloc(0) };
      this.#receivedRefusal(exchange, exchange.refusal, received.subarray(headBytes));
      return;
    }
    this.#onSuccess(true);
    exchange.restBytes = bodyBytes;
    const destroy = (): void => {
      if (this.#exchange === exchange) this.destroy();
    };
    const chunks = (): AsyncGenerator<Uint8Array> => this.#chunks(exchange, destroy);
    exchange.settle({ statusCode, headers, destroy, [Symbol.asyncIterator]: chunks });
    this.#receivedBody(exchange, exchange.headStart + headBytes, end);
  }

  /** Leaves a request to other means. */
  #leave(exchange: Exchange): void {
    this.#exchange = undefined;
    exchange.endWatch(true);
    exchange.forget();
    exchange.settle(undefined);
    this.destroy();
  }

  #receivedRefusal(exchange: Exchange, refusal: NonNullable<Exchange["refusal"]>, bytes: Uint8Array): void {
    refusal.received = Buffer.concat([refusal.received, bytes]);
    const body = refusalBody(refusal.head, refusal.received);
    if (body === "incomplete") return;
    if (body === undefined) {
      this.#leave(exchange);
      return;
    }
    exchange.restBytes = 0;
    exchange.endWatch(true);
    const { statusCode, headers } = refusal.head;
    async function* whole(): AsyncGenerator<Uint8Array> {
      yield body as Buffer;
    }
    exchange.settle({ statusCode, headers, destroy() {}, [Symbol.asyncIterator]: whole });
    this.#release(exchange);
  }

  #receivedBody(exchange: Exchange, start: number, end: number): void {
    const rest = (exchange.restBytes ?? 0) - (end - start);
    if (rest < 0) {
      this.#fail(new Error("the answer is longer than announced"));
      return;
    }
    exchange.restBytes = rest;
    if (end > start) {
      exchange.chunks.push({ block: this.#block, bytes: this.#block.bytes.subarray(start, end) });
      exchange.unreadBytes += end - start;
      this.#block.out++;
    }
    if (rest === 0) exchange.endWatch(true);
    exchange.wake();
  }

  async *#chunks(exchange: Exchange, destroy: () => void): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const next = exchange.chunks.shift();
        if (next === undefined) {
          if (exchange.restBytes === 0) break;
          if (exchange.failure !== undefined) throw exchange.failure;
          await new Promise<void>((resolve) => {
            exchange.wake = resolve;
          });
          continue;
        }
        yield next.bytes;
        next.block.out--;
        const wasPaused = exchange.unreadBytes >= BLOCK_BYTES;
        exchange.unreadBytes -= next.bytes.byteLength;
        if (wasPaused && exchange.unreadBytes < BLOCK_BYTES) this.#socket.resume();
      }
      this.#release(exchange);
    } finally {
      destroy();
    }
  }

  /** Keeps the connection for another request. */
  #release(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    exchange.forget();
    if (exchange.keepsAlive) {
      this.#socket.setTimeout(IDLE_TIMEOUT_MS);
      this.#socket.unref();
      this.#onIdle();
    } else this.destroy();
  }
}

function timeoutError(message: string): Error {
  return Object.assign(new Error(message), { name: "TimeoutError" });
}

function closedError(): Error {
  return Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" });
}
