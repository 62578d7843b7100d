import type { IncomingHttpHeaders } from "node:http";
import type { OnReadOpts, Socket } from "node:net";
import { onAbort, reusedMemory } from "@parquetry/core/unstable";
import { type AnswerHead, isSuccess, MAX_HEAD_BYTES, parseHead } from "./answer-head.ts";
import type { AnswerWatch } from "./answer-watch.ts";
import type { S3Address } from "./s3-address.ts";
import { wholeBody } from "./whole-body.ts";
import type { WireRequest } from "./wire-request.ts";

/**
 * An answer: to a request with a body, a whole one; else the body of an object, whose chunks are overwritten once the next one is
 * requested, or a refusal.
 */
export interface RawAnswer extends AsyncIterable<Uint8Array> {
  readonly statusCode: number;
  /** The headers, names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Closes the connection. */
  destroy(): void;
}

/** How much memory is read into at once, in bytes. A connection allocates it two or three times. */
const BLOCK_BYTES = 256 * 1024;

/** With less of it left, the next read goes to another block, in bytes. The first block for answers without the body of an object has this size. */
const MIN_READ_BYTES = 64 * 1024;

/** The time limit for opening a connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A connection that is unused for this long is closed, in milliseconds: earlier than servers close theirs. */
const IDLE_TIMEOUT_MS = 4_000;

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
  readonly settle: (answer: RawAnswer | undefined) => void;
  readonly reject: (error: Error) => void;
  /** Where the head begins in its block; undefined before any of it has come. */
  headStart: number | undefined;
  /** How much of the body has not been received, in bytes; undefined before the head is complete. */
  restBytes: number | undefined;
  keepsAlive: boolean;
  /** Whether the request may only be sent once, so that its answer is taken, whatever it is. */
  readonly isSentOnce: boolean;
  /** The refusal, or answer to a body, that is being received, and is returned whole. */
  whole: { readonly head: AnswerHead; received: Buffer } | undefined;
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

/** One connection, with at most one request at a time. */
export class RawSocket {
  readonly #socket: Socket;
  readonly #watch: AnswerWatch;
  readonly #onIdle: () => void;
  readonly #onEnd: () => void;
  readonly #onSuccess: (isUsable: boolean) => void;
  #blocks: Block[] = [];
  #block: Block = { bytes: new Uint8Array(), filled: 0, out: 0 };
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
    this.#socket.once("end", () => this.#receivedEnd());
    this.#socket.on("timeout", () => {
      const ms = this.#exchange?.stallTimeoutMs;
      this.#fail(ms === undefined ? closedError() : timeoutError(`no data for ${ms} ms`));
    });
  }

  send(head: string, { body, stallTimeoutMs, signal }: WireRequest): Promise<RawAnswer | undefined> {
    return new Promise((settle, reject) => {
      const readBefore = this.#socket.bytesRead;
      const exchange: Exchange = {
        stallTimeoutMs,
        settle,
        reject,
        headStart: undefined,
        restBytes: undefined,
        keepsAlive: true,
        isSentOnce: body !== undefined,
        whole: undefined,
        chunks: [],
        unreadBytes: 0,
        failure: undefined,
        wake() {},
        endWatch() {},
        forget() {},
      };
      this.#exchange = exchange;
      if (this.#blocks.length === 0) this.#addBlock(body === undefined ? BLOCK_BYTES : MIN_READ_BYTES);
      exchange.endWatch = this.#watch.begin({
        stallTimeoutMs,
        isHeavy: false,
        isOurTurn: () => exchange.unreadBytes > 0,
        isSent: () => body === undefined || this.#socket.writableLength === 0,
        movedBytes: () => this.#socket.bytesRead - readBefore,
        onStalled: () => this.#fail(timeoutError(`almost no data for ${stallTimeoutMs} ms`)),
      });
      if (signal !== undefined) exchange.forget = onAbort(signal, () => this.#fail(new Error("aborted")));
      // The watch does not see how far a body has come.
      this.#socket.setTimeout(body === undefined ? 0 : stallTimeoutMs);
      this.#socket.ref();
      this.#socket.cork();
      this.#socket.write(head, "latin1");
      if (body !== undefined) this.#socket.write(body);
      this.#socket.uncork();
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
    if (this.#block.bytes.byteLength - this.#block.filled < MIN_READ_BYTES && !isInHead) {
      const free = this.#blocks.find(({ out }) => out === 0);
      if (free === undefined) this.#addBlock(BLOCK_BYTES);
      else this.#block = free;
      this.#block.filled = 0;
    }
    return this.#block.bytes.subarray(this.#block.filled);
  }

  #addBlock(size: number): void {
    this.#block = { bytes: new Uint8Array(reusedMemory(new ArrayBuffer(size))), filled: 0, out: 0 };
    this.#blocks.push(this.#block);
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
    else if (exchange.whole !== undefined)
      this.#receivedWhole(exchange, exchange.whole, this.#block.bytes.subarray(start, end));
    else this.#receivedBody(exchange, start, end);
    return exchange === undefined || exchange.unreadBytes < BLOCK_BYTES;
  }

  #receivedHead(exchange: Exchange, start: number, end: number): void {
    exchange.headStart ??= start;
    const received = this.#block.bytes.subarray(exchange.headStart, end);
    const head = parseHead(received);
    if (head === "incomplete") return;
    if (head === undefined || (!exchange.isSentOnce && !isPlain(head))) {
      if (isSuccess(received)) this.#onSuccess(false);
      this.#leave(exchange);
      return;
    }
    const { statusCode, headers, headBytes, bodyBytes } = head;
    const bodyStart = exchange.headStart + headBytes;
    if (statusCode < 200) {
      // A provisional answer. The head of the next one begins here, and has to fit into the block.
      exchange.headStart = bodyStart;
      if (this.#block.bytes.byteLength - bodyStart < MAX_HEAD_BYTES) this.#leave(exchange);
      else if (end > bodyStart) this.#receivedHead(exchange, bodyStart, end);
      return;
    }
    exchange.keepsAlive = head.keepsAlive;
    if (exchange.isSentOnce || statusCode >= 300 || typeof bodyBytes === "string") {
      // Not known before it is complete.
      exchange.restBytes = Number.POSITIVE_INFINITY;
      exchange.whole = { head, received: Buffer.alloc(0) };
      this.#receivedWhole(exchange, exchange.whole, received.subarray(headBytes));
      return;
    }
    this.#onSuccess(true);
    exchange.restBytes = bodyBytes;
    const destroy = (): void => {
      if (this.#exchange === exchange) this.destroy();
    };
    const chunks = (): AsyncGenerator<Uint8Array> => this.#chunks(exchange, destroy);
    exchange.settle({ statusCode, headers, destroy, [Symbol.asyncIterator]: chunks });
    this.#receivedBody(exchange, bodyStart, end);
  }

  #receivedEnd(): void {
    const exchange = this.#exchange;
    if (exchange?.whole === undefined) this.#fail(closedError());
    else this.#receivedWhole(exchange, exchange.whole, new Uint8Array(), true);
    this.#fail(closedError());
  }

  /** Leaves a request to other means, if it may be sent again. */
  #leave(exchange: Exchange): void {
    if (exchange.isSentOnce) {
      this.#fail(new Error("the answer is malformed, or too long"));
      return;
    }
    this.#exchange = undefined;
    exchange.endWatch(true);
    exchange.forget();
    exchange.settle(undefined);
    this.destroy();
  }

  #receivedWhole(
    exchange: Exchange,
    whole: NonNullable<Exchange["whole"]>,
    bytes: Uint8Array,
    isAtEnd = false,
  ): void {
    whole.received = Buffer.concat([whole.received, bytes]);
    const body = wholeBody(whole.head, whole.received, isAtEnd);
    if (body === "incomplete") return;
    if (body === undefined) {
      this.#leave(exchange);
      return;
    }
    exchange.restBytes = 0;
    exchange.endWatch(true);
    const { statusCode, headers } = whole.head;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield body as Buffer;
    }
    exchange.settle({ statusCode, headers, destroy() {}, [Symbol.asyncIterator]: chunks });
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
    // A server that answers before it has the whole request may not read the rest of it.
    if (exchange.keepsAlive && this.#socket.writableLength === 0) {
      this.#socket.setTimeout(IDLE_TIMEOUT_MS);
      this.#socket.unref();
      this.#onIdle();
    } else this.destroy();
  }
}

/** Whether an answer is a body of a known length, or a refusal that can be read whole. For what else HTTP allows, there is Node's client. */
function isPlain({ version, statusCode, bodyBytes }: AnswerHead): boolean {
  if (version !== "1.1") return false;
  if (statusCode >= 300) return statusCode !== 304 && bodyBytes !== "with the connection";
  return (statusCode === 200 || statusCode === 206) && typeof bodyBytes === "number";
}

function timeoutError(message: string): Error {
  return Object.assign(new Error(message), { name: "TimeoutError" });
}

function closedError(): Error {
  return Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" });
}
