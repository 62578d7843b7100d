import { type Exchange, requireBucket } from "../http/exchange.ts";
import { type S3Reply, xmlReply } from "../http/s3-reply.ts";
import { queryInteger, type S3Request } from "../http/s3-request.ts";
import { encodeListedKey } from "../http/uri-encoding.ts";
import { S3Error } from "../s3-error.ts";
import type { ObjectRecord } from "../store/object-store.ts";
import { xmlElement } from "../xml/xml-writer.ts";
import { ownerElement } from "./bucket-operations.ts";
import { listPage } from "./object-listing.ts";

/** Maximum and default number of entries per page. */
export const MAX_PAGE = 1000;

/** Returns how a listing writes keys: unchanged, or percent-encoded with `encoding-type=url`. */
export function keyEncoder(request: S3Request): (key: string) => string {
  const type = request.query.get("encoding-type");
  if (type === undefined || type === "") return (key) => key;
  if (type !== "url") throw new S3Error("InvalidArgument", "Invalid Encoding Method specified in Request");
  return encodeListedKey;
}

/** Writes an element, or nothing if its value is empty. */
export function optionalElement(name: string, value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : xmlElement(name, value);
}

function contentsElement(record: ObjectRecord, encode: (key: string) => string, withOwner: boolean): string {
  const { checksum } = record;
  return xmlElement("Contents", [
    xmlElement("Key", encode(record.key)),
    xmlElement("LastModified", new Date(record.lastModifiedMs).toISOString()),
    xmlElement("ETag", `"${record.etag}"`),
    ...(checksum
      ? [
          xmlElement("ChecksumAlgorithm", checksum.algorithm.toUpperCase()),
          xmlElement("ChecksumType", checksum.type),
        ]
      : []),
    xmlElement("Size", record.size),
    withOwner ? ownerElement() : undefined,
    xmlElement("StorageClass", "STANDARD"),
  ]);
}

/** Encoded, so that no client relies on a token's content. */
function encodeToken(last: string): string {
  return Buffer.from(`1${last}`).toString("base64url");
}

function decodeToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (!text.startsWith("1") || encodeToken(text.slice(1)) !== token) {
    throw new S3Error("InvalidArgument", "The continuation token provided is incorrect");
  }
  return text.slice(1);
}

/** The page that both versions share; they differ in `after`. */
function page(exchange: Exchange, after: string) {
  const { request, store } = exchange;
  requireBucket(exchange);
  const prefix = request.query.get("prefix") ?? "";
  const delimiter = request.query.get("delimiter") ?? "";
  const maxKeys = Math.min(queryInteger(request, "max-keys", MAX_PAGE), MAX_PAGE);
  const query = { prefix, delimiter, after, maxKeys: Math.min(maxKeys, exchange.maxListKeys) };
  const listing = listPage(query, (isBefore) => store.scan(request.bucket, isBefore));
  const encode = keyEncoder(request);
  const head = [
    xmlElement("Name", request.bucket),
    xmlElement("Prefix", encode(prefix)),
    optionalElement("Delimiter", encode(delimiter)),
    xmlElement("MaxKeys", maxKeys),
    optionalElement("EncodingType", request.query.get("encoding-type")),
    xmlElement("IsTruncated", listing.isTruncated),
  ];
  const entries = (withOwner: boolean): string[] => [
    ...listing.entries.map((record) => contentsElement(record, encode, withOwner)),
    ...listing.commonPrefixes.map((common) =>
      xmlElement("CommonPrefixes", [xmlElement("Prefix", encode(common))]),
    ),
  ];
  return { listing, encode, head, entries, delimiter };
}

export function listObjectsV2(exchange: Exchange): S3Reply {
  const { query } = exchange.request;
  const token = query.get("continuation-token");
  const startAfter = query.get("start-after") ?? "";
  const after = token === undefined ? startAfter : decodeToken(token);
  const { listing, encode, head, entries } = page(exchange, after);
  return xmlReply("ListBucketResult", [
    ...head,
    xmlElement("KeyCount", listing.entries.length + listing.commonPrefixes.length),
    optionalElement("StartAfter", encode(startAfter)),
    optionalElement("ContinuationToken", token),
    listing.isTruncated ? xmlElement("NextContinuationToken", encodeToken(listing.last)) : undefined,
    ...entries(query.get("fetch-owner") === "true"),
  ]);
}

/** ListObjects, version 1. `NextMarker` is returned only with a delimiter. */
export function listObjects(exchange: Exchange): S3Reply {
  const marker = exchange.request.query.get("marker") ?? "";
  const { listing, encode, head, entries, delimiter } = page(exchange, marker);
  return xmlReply("ListBucketResult", [
    ...head,
    xmlElement("Marker", encode(marker)),
    listing.isTruncated && delimiter !== "" ? xmlElement("NextMarker", encode(listing.last)) : undefined,
    ...entries(true),
  ]);
}
