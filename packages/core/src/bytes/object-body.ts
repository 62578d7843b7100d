import { Buffer } from "#platform";
import { type CustomKind, checkArgument, isOfKind } from "./check-arguments.ts";

/**
 * The bytes of an opened object. Do one of these, once: iterate it, await {@link ObjectBody.bytes}, or
 * {@link ObjectBody.cancel} it. Leaving the loop early frees the socket or handle.
 */
export interface ObjectBody extends AsyncIterable<Uint8Array> {
  /** Returns all bytes as one array. */
  bytes(): Promise<Uint8Array>;
  /** Drops the body and frees its socket or handle. Never throws. */
  cancel(): Promise<void>;
}

/**
 * A body that can be opened repeatedly, so that a failed write can be repeated: a file, or an object of another store.
 *
 * @example
 * ```ts
 * const body: ReplayableBody = {
 *   sizeBytes,
 *   open: ({ start, end } = { start: 0 }) => createReadStream(file, end === undefined ? { start } : { start, end: end - 1 }),
 * };
 * ```
 */
export interface ReplayableBody {
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** Opens it from `start` up to, but not including, `end`. Default: all. */
  open(range?: { readonly start: number; readonly end?: number }): AsyncIterable<Uint8Array>;
}

/** The body of a put: bytes, a body that can be opened repeatedly, or a stream that can be read once. */
export type PutBody = Uint8Array | ReplayableBody | AsyncIterable<Uint8Array>;

/**
 * Returns true for a {@link ReplayableBody}.
 *
 * @example
 * ```ts
 * const sizeBytes = isReplayable(body) ? body.sizeBytes : undefined;
 * ```
 */
export function isReplayable(body: PutBody): body is ReplayableBody {
  // Callers without types may pass anything; `openBody` reports it.
  return typeof body === "object" && body !== null && "open" in body;
}

/**
 * Opens any {@link PutBody} as a stream of chunks.
 *
 * @throws StorageError `invalid_argument` for anything that is not a body.
 * @example
 * ```ts
 * for await (const chunk of openBody(body)) hash.update(chunk);
 * ```
 */
export function openBody(body: PutBody): AsyncIterable<Uint8Array> {
  checkArgument(body, BODY, "the body", "put");
  if (body instanceof Uint8Array) return single(body);
  return isReplayable(body) ? openReplayable(body) : body;
}

/** Opens a body that can be opened repeatedly, and checks what its function returns. */
export function openReplayable(
  body: ReplayableBody,
  range?: Parameters<ReplayableBody["open"]>[0],
): AsyncIterable<Uint8Array> {
  const opened = body.open(range);
  checkArgument(opened, CHUNKS, "the result of body.open()", "put");
  return opened;
}

/** Bytes as they arrive. */
export const CHUNKS: CustomKind = {
  expected: "an async iterable of Uint8Array",
  is: (value) => typeof value === "object" && value !== null && Symbol.asyncIterator in value,
};

/** A body that can be opened repeatedly. */
export const REPLAYABLE: CustomKind = {
  expected: "a ReplayableBody, such as { sizeBytes, open: () => createReadStream(file) }",
  is: (value) =>
    isReplayable(value as PutBody) &&
    typeof (value as ReplayableBody).open === "function" &&
    isOfKind("bytes", (value as ReplayableBody).sizeBytes),
};

/** Anything that a put can store. */
export const BODY: CustomKind = {
  expected: "a Uint8Array, a ReplayableBody or an async iterable of Uint8Array",
  is: (value) =>
    value instanceof Uint8Array ||
    REPLAYABLE.is(value) ||
    (CHUNKS.is(value) && !isReplayable(value as PutBody)),
};

/** Memory whose content is overwritten while a body is read. */
const reused = new WeakSet<ArrayBufferLike>();

/**
 * Declares memory as reused: a chunk in it is valid only until the next one is requested, so {@link collectBytes} copies it. For
 * backends that implement {@link GetOptions.mayReuseMemory}.
 *
 * @example
 * ```ts
 * const memory = reusedMemory(new ArrayBuffer(256 * 1024));
 * ```
 */
export function reusedMemory<T extends ArrayBufferLike>(memory: T): T {
  reused.add(memory);
  return memory;
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * Joins chunks into one array; a single chunk is not copied.
 *
 * @example
 * ```ts
 * const all = await collectBytes(openBody(body));
 * ```
 */
export async function collectBytes(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  checkArgument(chunks, CHUNKS, "chunks", "collectBytes");
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(reused.has(chunk.buffer) ? new Uint8Array(chunk) : chunk);
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  return Buffer.concat(parts);
}

/**
 * Makes an {@link ObjectBody} from chunks and a function that frees them.
 *
 * @example
 * ```ts
 * return objectBody(stream, async () => { stream.destroy(); });
 * ```
 */
export function objectBody(chunks: AsyncIterable<Uint8Array>, cancel: () => Promise<void>): ObjectBody {
  checkArgument(chunks, CHUNKS, "chunks", "objectBody");
  checkArgument(cancel, "function", "cancel", "objectBody");
  return {
    [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator](),
    bytes: () => collectBytes(chunks),
    cancel,
  };
}
