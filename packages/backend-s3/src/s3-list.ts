import {
  compareKeys,
  type Key,
  type ListOptions,
  type ListPage,
  type ObjectInfo,
  type Prefix,
  StorageError,
} from "@parquetry/core/backend";
import { explainInvalidKey, type SkippedEntry } from "@parquetry/core/unstable";
import { childText, type XmlElement } from "./read-xml.ts";
import type { S3Connection } from "./s3-connection.ts";
import { md5OfEtag, plainEtag } from "./s3-etag.ts";

/** An empty page may announce more, but not this many in a row. */
const MAX_EMPTY_PAGES = 1000;

/**
 * Lists a bucket with one request per page.
 *
 * @throws StorageError `corrupt` if the answers contradict the protocol or each other: a token that was sent before, names that
 * are out of order or outside the prefix, a size or a time that is none. Such a listing would never end, or would be wrong.
 */
export async function* s3List(connection: S3Connection, options: ListOptions): AsyncGenerator<ListPage> {
  const { prefix = "", delimiter, startAfter } = options;
  const { listPageSize } = connection;
  const order = createOrderCheck(connection, prefix);
  const seen = new Set<string>();
  let emptyPages = 0;
  let token: string | undefined;
  do {
    const query: Record<string, string> = {
      "list-type": "2",
      prefix: prefix === "" ? "" : `${prefix}/`,
      ...(listPageSize === 1000 ? {} : { "max-keys": String(listPageSize) }),
      ...(delimiter === undefined ? {} : { delimiter }),
    };
    if (token !== undefined) query["continuation-token"] = token;
    else if (startAfter !== undefined) query["start-after"] = startAfter;
    const { page, names, isTruncated, next } = await fetchPage(connection, query, options, order);
    yield page;
    token = next;
    if (isTruncated && !token) {
      throw new StorageError({
        code: "unavailable",
        op: "list",
        path: prefix,
        backend: connection.profile.name,
        message: `list ${prefix}: the store reports more objects without a token for the next page, so the listing is incomplete.`,
      });
    }
    if (token === undefined) return;
    if (seen.has(token)) throw badListing(connection, prefix, "it repeats a continuation token");
    emptyPages = names === 0 ? emptyPages + 1 : 0;
    if (emptyPages === MAX_EMPTY_PAGES)
      throw badListing(connection, prefix, `${MAX_EMPTY_PAGES} pages in a row are empty and announce more`);
    // Names are in order, so that only an empty page can lead back to an earlier one.
    if (names > 0) seen.clear();
    seen.add(token);
  } while (token !== undefined);
}

interface FetchedPage {
  readonly page: ListPage;
  /** The number of names, those that are not keys included. */
  readonly names: number;
  readonly isTruncated: boolean;
  /** The token of the next page. */
  readonly next: string | undefined;
}

/** Fetches a page. Separate, since the answer takes several times its memory, and a generator that waits keeps its variables. */
async function fetchPage(
  connection: S3Connection,
  query: Readonly<Record<string, string>>,
  options: ListOptions,
  order: OrderCheck,
): Promise<FetchedPage> {
  const purpose = { op: "list", path: options.prefix ?? "", signal: options.signal };
  const answer = await connection.sendForXml(purpose, { method: "GET", query });
  const isTruncated = childText(answer, "IsTruncated") === "true";
  return {
    names: order.check(answer),
    page: toListPage(connection, answer, options),
    isTruncated,
    next: isTruncated ? childText(answer, "NextContinuationToken") : undefined,
  };
}

interface OrderCheck {
  check(page: XmlElement): number;
}

/** Checks that names are below the prefix and in order, within and across pages; objects and child prefixes come apart. */
function createOrderCheck(connection: S3Connection, prefix: Prefix): OrderCheck {
  const below = prefix === "" ? "" : `${prefix}/`;
  let lastOfPages = "";
  return {
    check(page) {
      const last = { Contents: lastOfPages, CommonPrefixes: lastOfPages };
      let count = 0;
      for (const element of page.children) {
        const kind = element.name;
        if (kind !== "Contents" && kind !== "CommonPrefixes") continue;
        const name = childText(element, kind === "Contents" ? "Key" : "Prefix") ?? "";
        if (!name.startsWith(below))
          throw badListing(connection, prefix, `it has ${show(name)}, which is outside the prefix`);
        if (compareKeys(name, last[kind]) <= 0)
          throw badListing(connection, prefix, `${show(name)} comes after ${show(last[kind])}`);
        last[kind] = name;
        count++;
      }
      const { Contents: object, CommonPrefixes: child } = last;
      lastOfPages = compareKeys(object, child) > 0 ? object : child;
      return count;
    },
  };
}

function badListing(
  { bucket, profile: { name } }: S3Connection,
  prefix: Prefix,
  problem: string,
): StorageError {
  const place = `${name}://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
  return new StorageError({
    code: "corrupt",
    op: "list",
    path: prefix,
    backend: name,
    message: `list ${place}: the store's listing is not valid: ${problem}. Check the store, and any cache or proxy in front of it.`,
  });
}

function show(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}

function toListPage(connection: S3Connection, page: XmlElement, options: ListOptions): ListPage {
  const { prefix = "", startAfter, onSkipped } = options;
  const isAfter = (name: string): boolean => startAfter === undefined || compareKeys(name, startAfter) > 0;
  const objects: ObjectInfo[] = [];
  const prefixes: Key[] = [];
  for (const element of page.children) {
    if (element.name === "Contents") {
      const name = childText(element, "Key") ?? "";
      if (!isAfter(name)) continue;
      const sizeBytes = sizeOf(connection, prefix, element, name);
      const reason = explainInvalidKey(name);
      // Checked by explainInvalidKey.
      if (reason === undefined)
        objects.push(listedObject(connection, prefix, element, ownText(name) as Key, sizeBytes));
      else onSkipped?.(skippedObject(sizeBytes, name, reason));
    } else if (element.name === "CommonPrefixes") {
      const name = childText(element, "Prefix") ?? "";
      if (!isAfter(name)) continue;
      const child = name.slice(0, -1);
      const reason = explainInvalidKey(child);
      // Checked by explainInvalidKey.
      if (reason === undefined) prefixes.push(child as Key);
      else onSkipped?.({ path: name, reason: "not_a_key", detail: reason });
    }
  }
  return { objects, prefixes };
}

/** The largest object that any store has, in bytes: S3's limit is 50 TB. */
const MAX_OBJECT_BYTES = 2 ** 50;

function sizeOf(connection: S3Connection, prefix: Prefix, element: XmlElement, name: string): number {
  const text = childText(element, "Size") ?? "";
  const sizeBytes = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (sizeBytes <= MAX_OBJECT_BYTES) return sizeBytes;
  throw badListing(connection, prefix, `the size of ${show(name)} is ${show(text)}`);
}

/** Consoles create an empty `folder/`. An object of that name with content is data that no key can name. */
function skippedObject(sizeBytes: number, path: string, reason: string): SkippedEntry {
  const why = path.endsWith("/") && sizeBytes > 0 ? `it ends with / and holds ${sizeBytes} bytes` : reason;
  const detail = path.endsWith("/") && sizeBytes === 0 ? "a folder marker" : why;
  return { path, reason: "not_a_key", detail, sizeBytes };
}

function listedObject(
  connection: S3Connection,
  prefix: Prefix,
  element: XmlElement,
  key: Key,
  sizeBytes: number,
): ObjectInfo {
  const etag = ownText(plainEtag(childText(element, "ETag"), "list", key, connection.profile.name));
  const md5 = md5OfEtag(etag);
  const time = childText(element, "LastModified") ?? "";
  const lastModified = new Date(time);
  if (Number.isNaN(lastModified.getTime()))
    throw badListing(connection, prefix, `the time of ${show(key)} is ${show(time)}`);
  // Without a spread, which would take twice the memory.
  return md5 === undefined
    ? { key, sizeBytes, etag, lastModified }
    : { key, sizeBytes, etag, lastModified, md5 };
}

/** Copies a string: a part of a string keeps the whole in memory, here the answer with a thousand objects. */
function ownText(text: string): string {
  return Buffer.from(text).toString();
}
