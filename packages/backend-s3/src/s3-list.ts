import {
  compareKeys,
  type Key,
  type ListOptions,
  type ListPage,
  type ObjectInfo,
  StorageError,
} from "@parquetry/core/backend";
import { explainInvalidKey, type SkippedEntry } from "@parquetry/core/unstable";
import { childText, type XmlElement } from "./read-xml.ts";
import type { S3Connection } from "./s3-connection.ts";
import { md5OfEtag, plainEtag } from "./s3-etag.ts";

/** Lists a bucket with one request per page. */
export async function* s3List(connection: S3Connection, options: ListOptions): AsyncGenerator<ListPage> {
  const { prefix = "", delimiter, startAfter, signal } = options;
  const { profile, listPageSize } = connection;
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
    const page = await connection.sendForXml({ op: "list", path: prefix, signal }, { method: "GET", query });
    yield toListPage(page, options, profile.name);
    const isTruncated = childText(page, "IsTruncated") === "true";
    token = isTruncated ? childText(page, "NextContinuationToken") : undefined;
    if (isTruncated && !token) {
      throw new StorageError({
        code: "unavailable",
        op: "list",
        path: prefix,
        backend: profile.name,
        message: `list ${prefix}: the store reports more objects without a token for the next page, so the listing is incomplete.`,
      });
    }
  } while (token !== undefined);
}

function toListPage(page: XmlElement, options: ListOptions, backend: string): ListPage {
  const { startAfter, onSkipped } = options;
  const isAfter = (name: string): boolean => startAfter === undefined || compareKeys(name, startAfter) > 0;
  const objects: ObjectInfo[] = [];
  const prefixes: Key[] = [];
  for (const element of page.children) {
    if (element.name === "Contents") {
      const name = childText(element, "Key") ?? "";
      if (!isAfter(name)) continue;
      const reason = explainInvalidKey(name);
      // Checked by explainInvalidKey.
      if (reason === undefined) objects.push(listedObject(element, name as Key, backend));
      else onSkipped?.(skippedObject(element, name, reason));
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

/** Consoles create an empty `folder/`. An object of that name with content is data that no key can name. */
function skippedObject(element: XmlElement, path: string, reason: string): SkippedEntry {
  const sizeBytes = Number(childText(element, "Size") ?? 0);
  const why = path.endsWith("/") && sizeBytes > 0 ? `it ends with / and holds ${sizeBytes} bytes` : reason;
  const detail = path.endsWith("/") && sizeBytes === 0 ? "a folder marker" : why;
  return { path, reason: "not_a_key", detail, sizeBytes };
}

function listedObject(element: XmlElement, key: Key, backend: string): ObjectInfo {
  const etag = plainEtag(childText(element, "ETag"), "list", key, backend);
  const md5 = md5OfEtag(etag);
  return {
    key,
    sizeBytes: Number(childText(element, "Size") ?? 0),
    etag,
    lastModified: new Date(childText(element, "LastModified") ?? 0),
    ...(md5 === undefined ? {} : { md5 }),
  };
}
