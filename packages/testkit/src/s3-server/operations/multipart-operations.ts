import { createHash } from "node:crypto";
import { compareKeys } from "@parquetry/core/backend";
import { type Exchange, modificationTime, requireBucket, stagePayload } from "../http/exchange.ts";
import { type S3Reply, xmlReply } from "../http/s3-reply.ts";
import { queryInteger, requestHeader } from "../http/s3-request.ts";
import { S3Error } from "../s3-error.ts";
import { CHECKSUM_ALGORITHMS, type Checksum, parseChecksumAlgorithm } from "../store/checksum.ts";
import type { StagedBytes } from "../store/object-store.ts";
import { xmlElement } from "../xml/xml-writer.ts";
import { ownerElement } from "./bucket-operations.ts";
import { resolveRange } from "./byte-range.ts";
import { copyResult, openCopySource, stageCopy } from "./copy-object.ts";
import { keyEncoder, MAX_PAGE, optionalElement } from "./list-objects.ts";
import { type MultipartUpload, type UploadedPart, uploadOrder } from "./multipart-uploads.ts";
import { attributesOf, checksumHeaders } from "./object-headers.ts";
import { listPage } from "./object-listing.ts";

const MAX_PARTS = 10_000;

/** Returns the upload that a request names. Throws `NoSuchUpload` if its key has no such upload. */
export function requireUpload(exchange: Exchange): MultipartUpload {
  const { request, uploads } = exchange;
  requireBucket(exchange);
  return uploads.require(request.bucket, request.key, request.query.get("uploadId"));
}

export function createMultipartUpload(exchange: Exchange): S3Reply {
  const { request, uploads } = exchange;
  requireBucket(exchange);
  const named = requestHeader(request, "x-amz-checksum-algorithm");
  const algorithm = named === undefined ? undefined : parseChecksumAlgorithm(named);
  const type = requestHeader(request, "x-amz-checksum-type");
  if (type !== undefined && type !== "COMPOSITE" && type !== "FULL_OBJECT") {
    throw new S3Error("InvalidRequest", "Value for x-amz-checksum-type header is invalid.");
  }
  if (type === "FULL_OBJECT" && algorithm !== undefined && CHECKSUM_ALGORITHMS[algorithm].crc === undefined) {
    const message = `The FULL_OBJECT checksum type cannot be used with the ${algorithm} checksum algorithm.`;
    throw new S3Error("InvalidRequest", message);
  }
  const checksum = algorithm && { algorithm, type: type ?? CHECKSUM_ALGORITHMS[algorithm].defaultType };
  const upload = uploads.start({
    bucket: request.bucket,
    key: request.key,
    initiatedMs: exchange.nowMs(),
    attributes: attributesOf(exchange),
    ...(checksum && { checksum }),
  });
  const headers: Record<string, string> = checksum
    ? {
        "x-amz-checksum-algorithm": checksum.algorithm.toUpperCase(),
        "x-amz-checksum-type": checksum.type,
      }
    : {};
  const children = [
    xmlElement("Bucket", request.bucket),
    xmlElement("Key", request.key),
    xmlElement("UploadId", upload.id),
  ];
  return xmlReply("InitiateMultipartUploadResult", children, headers);
}

function partNumber(exchange: Exchange): number {
  const number = queryInteger(exchange.request, "partNumber", 0);
  if (number < 1 || number > MAX_PARTS) {
    const message = `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`;
    throw new S3Error("InvalidArgument", message);
  }
  return number;
}

/** Adds a part with the ETag of the profile. */
function keepPart(
  exchange: Exchange,
  upload: MultipartUpload,
  part: { number: number; md5: string; staged: StagedBytes; checksum?: Checksum | undefined },
): UploadedPart {
  const { number, md5, staged, checksum } = part;
  const opaque = createHash("md5").update(`${upload.id}/${number}/${md5}`);
  const kept: UploadedPart = {
    number,
    md5,
    etag: exchange.profile.multipartEtag === "content" ? md5 : opaque.digest("hex"),
    lastModifiedMs: modificationTime(exchange),
    staged,
    ...(checksum && { checksum }),
  };
  exchange.uploads.addPart(upload, kept);
  return kept;
}

export async function uploadPart(exchange: Exchange): Promise<S3Reply> {
  const number = partNumber(exchange);
  const upload = requireUpload(exchange);
  const expected = upload.checksum?.algorithm;
  const { staged, received } = await stagePayload(exchange, expected);
  if (expected !== undefined && received.checksum?.algorithm !== expected) {
    staged.discard();
    const actual = received.checksum?.algorithm;
    const message = `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`;
    throw new S3Error("InvalidRequest", message);
  }
  const part = keepPart(exchange, upload, { number, staged, ...received });
  return { status: 200, headers: { etag: `"${part.etag}"`, ...checksumHeaders(part) } };
}

export async function uploadPartCopy(exchange: Exchange): Promise<S3Reply> {
  const number = partNumber(exchange);
  const upload = requireUpload(exchange);
  const found = openCopySource(exchange);
  const { size } = found.record;
  const header = requestHeader(exchange.request, "x-amz-copy-source-range");
  const last = /^bytes=\d+-(\d+)$/.exec(header ?? "")?.[1];
  if (header !== undefined && (last === undefined || Number(last) >= size)) {
    found.source.close();
    const message = `The x-amz-copy-source-range value must be of the form bytes=first-last and lie within the ${size} bytes of the source`;
    throw new S3Error("InvalidArgument", message);
  }
  const range = resolveRange(header, size) ?? { start: 0, end: size };
  const copied = await stageCopy(exchange, found, range, upload.checksum?.algorithm);
  return xmlReply("CopyPartResult", copyResult(keepPart(exchange, upload, { number, ...copied })));
}

export function abortMultipartUpload(exchange: Exchange): S3Reply {
  exchange.uploads.discard(requireUpload(exchange));
  return { status: 204, headers: {} };
}

export function listParts(exchange: Exchange): S3Reply {
  const { request } = exchange;
  const upload = requireUpload(exchange);
  const maxParts = Math.min(queryInteger(request, "max-parts", MAX_PAGE), MAX_PAGE);
  const marker = queryInteger(request, "part-number-marker", 0);
  const rest = [...upload.parts.values()]
    .filter((part) => part.number > marker)
    .sort((a, b) => a.number - b.number);
  const parts = rest.slice(0, Math.min(maxParts, exchange.maxListKeys));
  const isTruncated = rest.length > parts.length && parts.length > 0;
  return xmlReply("ListPartsResult", [
    xmlElement("Bucket", request.bucket),
    xmlElement("Key", keyEncoder(request)(request.key)),
    xmlElement("UploadId", upload.id),
    ownerElement("Initiator"),
    ownerElement(),
    xmlElement("StorageClass", "STANDARD"),
    xmlElement("PartNumberMarker", marker),
    xmlElement("NextPartNumberMarker", parts.at(-1)?.number ?? 0),
    xmlElement("MaxParts", maxParts),
    xmlElement("IsTruncated", isTruncated),
    upload.checksum && xmlElement("ChecksumAlgorithm", upload.checksum.algorithm.toUpperCase()),
    upload.checksum && xmlElement("ChecksumType", upload.checksum.type),
    ...parts.map((part) =>
      xmlElement("Part", [
        xmlElement("PartNumber", part.number),
        ...copyResult(part),
        xmlElement("Size", part.staged.size),
      ]),
    ),
  ]);
}

export function listMultipartUploads(exchange: Exchange): S3Reply {
  const { request, uploads } = exchange;
  requireBucket(exchange);
  const { query, bucket } = request;
  const encode = keyEncoder(request);
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const keyMarker = query.get("key-marker") ?? "";
  const maxUploads = Math.min(queryInteger(request, "max-uploads", MAX_PAGE), MAX_PAGE);
  const idMarker = query.get("upload-id-marker") ?? "";
  // With an ID the page continues within the uploads of the key, without one after all of them.
  const marker = idMarker === "" ? undefined : uploadOrder({ key: keyMarker, id: idMarker });
  const page = listPage(
    {
      prefix,
      delimiter,
      after: marker === undefined ? keyMarker : "",
      maxKeys: Math.min(maxUploads, exchange.maxListKeys),
    },
    function* (isBefore) {
      for (const upload of uploads.scan(bucket, isBefore)) {
        if (marker === undefined || compareKeys(uploadOrder(upload), marker) > 0) yield upload;
      }
    },
  );
  const lastUpload = page.entries.at(-1);
  return xmlReply("ListMultipartUploadsResult", [
    xmlElement("Bucket", bucket),
    xmlElement("KeyMarker", encode(keyMarker)),
    xmlElement("UploadIdMarker", idMarker),
    ...(page.isTruncated
      ? [
          xmlElement("NextKeyMarker", encode(page.last)),
          xmlElement("NextUploadIdMarker", lastUpload?.key === page.last ? lastUpload.id : ""),
        ]
      : []),
    optionalElement("Delimiter", encode(delimiter)),
    xmlElement("Prefix", encode(prefix)),
    optionalElement("EncodingType", query.get("encoding-type")),
    xmlElement("MaxUploads", maxUploads),
    xmlElement("IsTruncated", page.isTruncated),
    ...page.entries.map((upload) =>
      xmlElement("Upload", [
        xmlElement("Key", encode(upload.key)),
        xmlElement("UploadId", upload.id),
        ownerElement("Initiator"),
        ownerElement(),
        xmlElement("StorageClass", "STANDARD"),
        xmlElement("Initiated", new Date(upload.initiatedMs).toISOString()),
      ]),
    ),
    ...page.commonPrefixes.map((common) =>
      xmlElement("CommonPrefixes", [xmlElement("Prefix", encode(common))]),
    ),
  ]);
}
