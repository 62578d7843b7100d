import {
  type GetOptions,
  type GetResult,
  isStorageError,
  type Key,
  objectBody,
  verifiedBody,
} from "@parquetry/core/backend";
import { mapOrdered, onAbort } from "@parquetry/core/unstable";
import { getObject } from "./get-object.ts";
import type { S3Connection } from "./s3-connection.ts";

/** How many pieces are requested ahead, so that a distant store can fill the line. */
const PIECES_AHEAD = 4;

/**
 * Opens an object, or a range of it, as a sequence of small ranges. Requested bytes arrive as fast as the network and the
 * buffers of both systems allow, however slowly they are read, so a bandwidth limit has to limit the requests.
 *
 * @param options with a range that has a start, or none.
 */
export async function getInPieces(
  connection: S3Connection,
  key: Key,
  options: GetOptions,
  pieceBytes: number,
): Promise<GetResult> {
  const { ifMatch, signal, verify = false, expectedBytes, range } = options;
  const { start = 0, end: wanted = Number.POSITIVE_INFINITY } =
    range !== undefined && "start" in range ? range : {};
  const isSmall = range === undefined && expectedBytes !== undefined && expectedBytes <= pieceBytes;
  if (isSmall) return getObject(connection, key, options);

  const stop = new AbortController();
  const forget = signal && onAbort(signal, () => stop.abort(signal.reason));
  const getPiece = (from: number, to: number, etag: string | undefined): Promise<GetResult> =>
    getObject(connection, key, {
      range: { start: from, end: to },
      ifMatch: etag,
      expectedBytes: Math.min(to, Math.max(expectedBytes ?? to, from)) - from,
      signal: stop.signal,
    });

  const firstEnd = Math.min(start + pieceBytes, wanted);
  let first: GetResult;
  try {
    first = await getPiece(start, firstEnd, ifMatch);
  } catch (error) {
    forget?.();
    // An empty object has no range.
    if (range === undefined && isStorageError(error, "invalid_argument"))
      return getObject(connection, key, options);
    throw error;
  }
  const { info } = first;
  const end = Math.min(wanted, info.sizeBytes);

  function* starts(): Generator<number> {
    for (let from = firstEnd; from < end; from += pieceBytes) yield from;
  }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* first.body;
      yield* mapOrdered(starts(), PIECES_AHEAD, async (from) => {
        const { body } = await getPiece(from, Math.min(from + pieceBytes, end), info.etag);
        return body.bytes();
      });
    } finally {
      forget?.();
      stop.abort();
    }
  }
  const body = objectBody(chunks(), async () => {
    stop.abort();
    forget?.();
    await first.body.cancel();
  });
  return { info, body: verify ? verifiedBody(connection.profile.name, info, range, body) : body };
}
