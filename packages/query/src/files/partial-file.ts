import type { StorageBackend } from "@parquetry/core";
import type { ObjectInfo } from "@parquetry/core/backend";
import { mapConcurrent } from "@parquetry/core/unstable";
import { footerBytes } from "@parquetry/core/unstable/tables";
import { fetchSpan, writeAt } from "./fetch-span.ts";
import type { CacheName, FileCache } from "./file-cache.ts";
import { type NeededBytes, type NeededParts, neededBytes } from "./needed-bytes.ts";
import { readFooter } from "./read-footer.ts";

/** Objects of at least this size are fetched in parts, if a query needs few of their columns or rows. */
export const PARTIAL_FETCH_BYTES: number = 4 * 1024 * 1024;

/** The size of the first request, for the end of the object: footers rarely need more. */
const TAIL_BYTES = 64 * 1024;
/** The longest footer that is read, in bytes. The object of a longer one, which may be false, is fetched whole, and DuckDB reads it. */
const MAX_FOOTER_BYTES = 32 * 1024 * 1024;
/** Concurrent requests for one object. */
const RANGE_CONCURRENCY = 8;

export interface PartialFetch {
  readonly backend: StorageBackend;
  readonly cache: FileCache;
  readonly name: CacheName;
  readonly info: ObjectInfo;
  readonly parts: NeededParts;
  readonly signal: AbortSignal | undefined;
  /** Called with the number of bytes of each chunk that arrives. */
  readonly onBytes: (bytes: number) => void;
}

/** A file with holes, and a file with nothing but the whole footer. */
export interface PartialFile {
  readonly path: string;
  readonly footerPath: string;
}

/**
 * Fetches what a query needs of a large Parquet object into a cached file with holes. Undefined where the whole object should be
 * fetched.
 */
export async function fetchPartial(options: PartialFetch): Promise<PartialFile | undefined> {
  const { cache, name, info } = options;
  const footerPath = await fetchFooter(options);
  const plan = planOf(readFooter(footerPath, MAX_FOOTER_BYTES), info, options.parts);
  if (plan === undefined) return undefined;
  const path = await cache.make(partName(name, plan), async (handle) => {
    await writeAt(handle, plan.footer, plan.footerStart);
    await mapConcurrent(plan.spans, RANGE_CONCURRENCY, (span) => fetchSpan({ ...options, handle }, span));
  });
  return { path, footerPath };
}

/** The file that {@link fetchPartial} would return, if it is cached. */
export function findPartial({
  cache,
  name,
  info,
  parts,
}: Pick<PartialFetch, "cache" | "name" | "info" | "parts">): string | undefined {
  const footer = cache.find(footerName(name));
  const plan = footer === undefined ? undefined : planOf(readFooter(footer, MAX_FOOTER_BYTES), info, parts);
  return plan === undefined ? undefined : cache.find(partName(name, plan));
}

const footerName = (name: CacheName): CacheName => ({ ...name, derived: "footer" });
const partName = (name: CacheName, plan: NeededBytes): CacheName => ({
  ...name,
  derived: `part ${plan.name}`,
});

/** An object that is not a Parquet file is fetched whole, so that DuckDB reports what is wrong with it. */
function planOf(tail: Uint8Array, { sizeBytes }: ObjectInfo, parts: NeededParts): NeededBytes | undefined {
  try {
    return neededBytes(tail, sizeBytes, parts);
  } catch {
    return undefined;
  }
}

/** The end of an object as a file of the object's size, so that its footer can be read in place. */
async function fetchFooter({ backend, cache, name, info, signal, onBytes }: PartialFetch): Promise<string> {
  const last = async (bytes: number): Promise<Uint8Array> => {
    const { body } = await backend.get(info.key, { range: { last: bytes }, ifMatch: info.etag, signal });
    const tail = await body.bytes();
    onBytes(tail.byteLength);
    return tail;
  };
  return cache.make(footerName(name), async (handle) => {
    const tail = await last(TAIL_BYTES);
    const needed = footerBytes(tail) ?? 0;
    const isLonger = needed > tail.byteLength && needed <= Math.min(info.sizeBytes, MAX_FOOTER_BYTES);
    const footer = isLonger ? await last(needed) : tail;
    await writeAt(handle, footer, info.sizeBytes - footer.byteLength);
  });
}
