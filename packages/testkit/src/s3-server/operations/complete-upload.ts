import { createHash } from "node:crypto";
import { commitObject, type Exchange, modificationTime, readXml } from "../http/exchange.ts";
import { type S3Reply, xmlReply } from "../http/s3-reply.ts";
import { requestHeader } from "../http/s3-request.ts";
import { S3Error } from "../s3-error.ts";
import {
  acceptChecksumValue,
  CHECKSUM_ALGORITHMS,
  type Checksum,
  joinPartChecksums,
} from "../store/checksum.ts";
import type { ObjectRecord, StagedBytes } from "../store/object-store.ts";
import { childText, type XmlNode } from "../xml/xml-reader.ts";
import { xmlElement } from "../xml/xml-writer.ts";
import { requireUpload } from "./multipart-operations.ts";
import type { MultipartUpload, UploadedPart } from "./multipart-uploads.ts";
import { writeCondition } from "./preconditions.ts";

/** Smallest part, except the last. */
const MIN_PART_BYTES = 5 * 1024 ** 2;

function invalidPart(number: string): S3Error {
  const message = `One or more of the specified parts could not be found or did not match its ETag or checksum: part ${number}.`;
  return new S3Error("InvalidPart", message);
}

/** Returns the uploaded parts that the document names. */
function chooseParts(exchange: Exchange, upload: MultipartUpload, root: XmlNode): UploadedPart[] {
  const parts: UploadedPart[] = [];
  for (const node of root.children) {
    if (node.name !== "Part") continue;
    const number = childText(node, "PartNumber")?.trim() ?? "";
    const etag = childText(node, "ETag")?.trim().replaceAll('"', "");
    if (!/^\d{1,5}$/.test(number) || etag === undefined) {
      throw new S3Error("MalformedXML", "Each Part needs a PartNumber and an ETag.");
    }
    const part = upload.parts.get(Number(number));
    if (Number(number) <= (parts.at(-1)?.number ?? 0)) {
      throw new S3Error("InvalidPartOrder", "The list of parts was not in ascending order.");
    }
    if (part === undefined || part.etag !== etag) throw invalidPart(number);
    if (part.checksum !== undefined) {
      const claimed = childText(node, CHECKSUM_ALGORITHMS[part.checksum.algorithm].element);
      if (claimed !== undefined && claimed !== part.checksum.value) throw invalidPart(number);
    }
    parts.push(part);
  }
  if (parts.length === 0) throw new S3Error("MalformedXML", "You must specify at least one part");
  checkSizes(exchange, parts);
  return parts;
}

function checkSizes({ profile }: Exchange, parts: readonly UploadedPart[]): void {
  const [first] = parts;
  for (const { number, staged } of parts.slice(0, -1)) {
    if (staged.size < MIN_PART_BYTES) {
      const message = `Your proposed upload is smaller than the minimum allowed size: part ${number} has ${staged.size} bytes`;
      throw new S3Error("EntityTooSmall", message);
    }
    if (profile.equalPartSizes && staged.size !== first?.staged.size) {
      throw new S3Error("InvalidPart", "All non-trailing parts must have the same length.");
    }
  }
}

function objectEtag(exchange: Exchange, upload: MultipartUpload, parts: readonly UploadedPart[]): string {
  const hash = createHash("md5");
  if (exchange.profile.multipartEtag === "opaque") hash.update(upload.id);
  for (const part of parts) hash.update(Buffer.from(part.md5, "hex"));
  return `${hash.digest("hex")}-${parts.length}`;
}

async function objectChecksum(
  exchange: Exchange,
  upload: MultipartUpload,
  parts: readonly UploadedPart[],
): Promise<Checksum | undefined> {
  if (upload.checksum === undefined) return undefined;
  const { algorithm, type } = upload.checksum;
  const values = parts.map((part) => ({ value: part.checksum?.value ?? "", size: part.staged.size }));
  const joined = await joinPartChecksums(algorithm, type, values);
  const claimed = requestHeader(exchange.request, `x-amz-checksum-${algorithm}`);
  // Clients send a composite value with or without the number of parts.
  if (claimed !== undefined && claimed !== joined.value && claimed !== joined.value.replace(/-\d+$/, "")) {
    if (type === "FULL_OBJECT") acceptChecksumValue(algorithm, claimed);
    const name = algorithm.toUpperCase();
    throw new S3Error("BadDigest", `The ${name} you specified did not match the calculated checksum.`);
  }
  return joined;
}

/** Joins the parts into one body. A single part is used as it is. */
async function joinParts(exchange: Exchange, parts: readonly UploadedPart[]): Promise<StagedBytes> {
  const [first, second] = parts;
  if (first !== undefined && second === undefined) return first.staged;
  const writer = exchange.store.stage();
  try {
    for (const { staged } of parts) {
      const source = staged.open();
      try {
        for await (const chunk of source.read(0, source.size)) await writer.write(chunk);
      } finally {
        source.close();
      }
    }
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/**
 * CompleteMultipartUpload. Once its parts are accepted, no other request can use the upload. It is restored if the object
 * cannot be committed, unless the profile discards it after a failed condition.
 */
export async function completeMultipartUpload(exchange: Exchange): Promise<S3Reply> {
  const { request, uploads, profile } = exchange;
  requireUpload(exchange);
  const condition = writeCondition(request, "");
  const root = await readXml(exchange, "CompleteMultipartUpload", "object");
  const upload = requireUpload(exchange);
  const parts = chooseParts(exchange, upload, root);
  const size = parts.reduce((sum, part) => sum + part.staged.size, 0);
  const announced = requestHeader(request, "x-amz-mp-object-size");
  if (announced !== undefined && announced !== String(size)) {
    const message = `The provided 'x-amz-mp-object-size' header does not match what was computed: ${size}.`;
    throw new S3Error("InvalidRequest", message);
  }
  const checksum = await objectChecksum(exchange, upload, parts);
  uploads.claim(upload);
  let record: ObjectRecord;
  let staged: StagedBytes | undefined;
  try {
    staged = await joinParts(exchange, parts);
    record = {
      key: request.key,
      size,
      etag: objectEtag(exchange, upload, parts),
      lastModifiedMs: modificationTime(exchange),
      ...upload.attributes,
      ...(checksum && { checksum }),
      partSizes: parts.map((part) => part.staged.size),
    };
    commitObject(exchange, record, staged, condition);
  } catch (error) {
    // A single part is not a copy, so the upload still needs it.
    if (staged !== parts[0]?.staged) staged?.discard();
    const failedCondition = error instanceof S3Error && error.code === "PreconditionFailed";
    if (failedCondition && profile.failedConditionalCompleteDiscardsUpload) uploads.discard(upload);
    else uploads.restore(upload);
    throw error;
  }
  uploads.discard(upload);
  return xmlReply("CompleteMultipartUploadResult", [
    xmlElement("Location", `/${request.bucket}/${request.key}`),
    xmlElement("Bucket", request.bucket),
    xmlElement("Key", request.key),
    xmlElement("ETag", `"${record.etag}"`),
    checksum && xmlElement(CHECKSUM_ALGORITHMS[checksum.algorithm].element, checksum.value),
    checksum && xmlElement("ChecksumType", checksum.type),
  ]);
}
