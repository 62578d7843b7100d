import { createHash } from "node:crypto";
import { StorageError } from "@parquetry/core";
import type { ObjectInfo } from "@parquetry/core/backend";
import { mapOrdered } from "@parquetry/core/unstable";
import { fetchSpan, type SpanFetch } from "./fetch-span.ts";

/** Objects of at least this size are fetched as several ranges at a time: a store limits each connection. */
export const WHOLE_FETCH_BYTES: number = 16 * 1024 * 1024;

const RANGE_BYTES = 8 * 1024 * 1024;
/** Concurrent requests for one object. */
const RANGE_CONCURRENCY = 8;

/** Fetches a whole object into a file, and checks that it is what the listing promised. */
export async function fetchWhole(fetch: SpanFetch): Promise<void> {
  const { handle, info } = fetch;
  const md5 = info.md5 === undefined ? undefined : createHash("md5");
  for await (const { start, end } of mapOrdered(rangesOf(info), RANGE_CONCURRENCY, async (range) => {
    await fetchSpan(fetch, range);
    return range;
  })) {
    if (md5 === undefined) continue;
    const bytes = new Uint8Array(end - start);
    await handle.read(bytes, 0, bytes.byteLength, start);
    md5.update(bytes);
  }
  checkReceived(info, info.sizeBytes, () => md5?.digest("hex"));
}

function* rangesOf({ sizeBytes }: ObjectInfo): Generator<{ readonly start: number; readonly end: number }> {
  for (let start = 0; start < sizeBytes; start += RANGE_BYTES) {
    yield { start, end: Math.min(start + RANGE_BYTES, sizeBytes) };
  }
}

/** @throws StorageError `corrupt` where an object is not what the listing promised. */
export function checkReceived(info: ObjectInfo, bytes: number, md5: () => string | undefined): void {
  const problem =
    bytes !== info.sizeBytes
      ? `was truncated: received ${bytes} of ${info.sizeBytes} bytes`
      : info.md5 !== undefined && info.md5 !== md5()
        ? "was damaged on the way: its MD5 is not the one in the listing"
        : undefined;
  if (problem === undefined) return;
  throw new StorageError({
    code: "corrupt",
    op: "sql",
    path: info.key,
    message: `sql: ${info.key} ${problem}. Run the query again.`,
  });
}
