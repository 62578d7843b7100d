import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { unlessAborted } from "@parquetry/core/unstable";
import type { ActiveFaults } from "../faults/active-faults.ts";
import type { S3Reply } from "./s3-reply.ts";

/** Number of pieces per second in which a body is sent at limited bandwidth. */
const PACED_PIECES_PER_SECOND = 50;

export interface SendOptions {
  readonly response: ServerResponse;
  readonly faults: ActiveFaults;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
  /** Whether the request was a HEAD, whose reply has no body. */
  readonly isHead: boolean;
  /** Whether the request had a body: faults of bodies then apply to that one, not to the reply's. */
  readonly requestHadBody: boolean;
  readonly onBody: (bytes: number) => void;
}

async function* pieces(reply: S3Reply): AsyncGenerator<Buffer> {
  const { body } = reply;
  if (body === undefined) return;
  if (typeof body === "string") yield Buffer.from(body);
  else yield* body.source.read(body.start, body.end);
}

function bodySize({ body }: S3Reply): number {
  if (body === undefined) return 0;
  return typeof body === "string" ? Buffer.byteLength(body) : body.end - body.start;
}

async function write(options: SendOptions, chunk: Buffer): Promise<void> {
  options.onBody(chunk.length);
  if (options.response.write(chunk)) return;
  await once(options.response, "drain", { signal: options.signal });
}

/** Writes and waits until the bytes were sent: those before a fault must arrive. */
async function flush(options: SendOptions, chunk: Buffer): Promise<void> {
  options.onBody(chunk.length);
  const written = new Promise((resolve) => {
    options.response.write(chunk, resolve);
  });
  // Node does not call back once the client has disconnected.
  await unlessAborted(written, options.signal);
}

/** Sends a body without faults. A single chunk in memory is sent without an iterator, which costs more than the chunk. */
async function sendBody(reply: S3Reply, options: SendOptions): Promise<void> {
  const { body } = reply;
  const { response, onBody } = options;
  if (typeof body === "string") {
    onBody(Buffer.byteLength(body));
    response.end(body);
    return;
  }
  const chunks = body?.source.inMemory;
  if (body !== undefined && chunks?.length === 1 && chunks[0] !== undefined) {
    const only = chunks[0].subarray(body.start, body.end);
    onBody(only.length);
    response.end(only);
    return;
  }
  response.cork();
  process.nextTick(() => response.uncork());
  for await (const chunk of pieces(reply)) await write(options, chunk);
  response.end();
}

/** Sends a body through its faults; false if the reply must not be ended. */
async function sendFaultyBody(reply: S3Reply, size: number, options: SendOptions): Promise<boolean> {
  const { response, faults, requestHadBody } = options;
  const cut = faults.find("stall") ?? faults.find("truncate");
  const resets = faults.resets("during") && !requestHadBody;
  const bandwidth = faults.find("bandwidth");
  const limit = resets
    ? Math.floor(size / 2)
    : cut === undefined
      ? size
      : (cut.afterBytes ?? Math.floor(size / 2));
  const pieceBytes =
    bandwidth === undefined
      ? Infinity
      : Math.max(1, Math.ceil(bandwidth.bytesPerSecond / PACED_PIECES_PER_SECOND));
  response.flushHeaders();
  let offset = 0;
  for await (const whole of pieces(reply)) {
    for (let at = 0; at < whole.length && offset < limit; ) {
      const length = Math.min(pieceBytes, whole.length - at, limit - offset);
      const piece = whole.subarray(at, at + length);
      await faults.pace(length);
      await flush(options, requestHadBody ? piece : faults.flip(piece, offset, size));
      at += length;
      offset += length;
    }
    if (offset >= limit) break;
  }
  if (!resets && cut === undefined) return true;
  if (resets) response.socket?.resetAndDestroy();
  else if (cut?.kind === "truncate") response.socket?.destroySoon();
  return false;
}

/** Sends a reply and always closes the source of its body. */
export async function sendReply(reply: S3Reply, options: SendOptions): Promise<void> {
  const { response, faults, isHead, signal } = options;
  try {
    if (signal.aborted) return;
    if (faults.resets("after-commit")) {
      response.socket?.resetAndDestroy();
      return;
    }
    if (faults.find("drop-reply") !== undefined) {
      response.socket?.destroySoon();
      return;
    }
    const size = isHead ? 0 : bodySize(reply);
    if (size === 0 && faults.find("stall") !== undefined) return;
    const hasLength = reply.status === 204 || reply.status === 304 || "content-length" in reply.headers;
    response.writeHead(
      reply.status,
      hasLength ? reply.headers : { ...reply.headers, "content-length": String(bodySize(reply)) },
    );
    if (size === 0) response.end();
    else if (faults.none) await sendBody(reply, options);
    else if (await sendFaultyBody(reply, size, options)) response.end();
  } finally {
    if (typeof reply.body === "object") reply.body.source.close();
  }
}
