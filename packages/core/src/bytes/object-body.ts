import { StorageError } from "./storage-error.ts";

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
  if (body instanceof Uint8Array) return single(body);
  if (typeof body === "object" && body !== null) {
    if (isReplayable(body)) return body.open();
    if (Symbol.asyncIterator in body) return body;
  }
  throw new StorageError({
    code: "invalid_argument",
    op: "put",
    message: `put: the body must be a Uint8Array, a ReplayableBody or an async iterable of Uint8Array, got ${typeof body}.`,
  });
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
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
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
  return {
    [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator](),
    bytes: () => collectBytes(chunks),
    cancel,
  };
}
