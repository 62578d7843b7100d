import { type Exchange, readXml, requireBucket } from "../http/exchange.ts";
import { type S3Reply, xmlReply } from "../http/s3-reply.ts";
import { checkKeyLength, requestHeader, storedKey } from "../http/s3-request.ts";
import { S3Error } from "../s3-error.ts";
import { childText, type XmlNode } from "../xml/xml-reader.ts";
import { xmlElement } from "../xml/xml-writer.ts";
import { checkWrite, writeCondition } from "./preconditions.ts";

/** DeleteObject. Succeeds for a missing key, unless `If-Match` is given. */
export function deleteObject(exchange: Exchange): S3Reply {
  const { request, store, profile } = exchange;
  requireBucket(exchange);
  const condition = writeCondition(request, "");
  checkWrite(condition, store.find(request.bucket, request.key), profile);
  store.delete(request.bucket, request.key);
  return { status: 204, headers: {} };
}

/** Deletes one key of a batch and returns its result. */
function deleteEntry(exchange: Exchange, entry: XmlNode, quiet: boolean): string | undefined {
  const { request, store, profile } = exchange;
  const rawKey = childText(entry, "Key") ?? "";
  const ifMatch = childText(entry, "ETag");
  try {
    const version = childText(entry, "VersionId");
    if (version !== undefined && version !== "null") {
      throw new S3Error("NotImplemented", "Object versions are not implemented.");
    }
    const key = storedKey(rawKey, profile);
    checkKeyLength(key);
    const fault = exchange.keyFault(key);
    if (fault !== undefined) throw fault;
    checkWrite(ifMatch === undefined ? {} : { ifMatch }, store.find(request.bucket, key), profile);
    store.delete(request.bucket, key);
    return quiet ? undefined : xmlElement("Deleted", [xmlElement("Key", rawKey)]);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    const { code, message } = error;
    return xmlElement("Error", [
      xmlElement("Key", rawKey),
      xmlElement("Code", code),
      xmlElement("Message", message),
    ]);
  }
}

/** DeleteObjects. Each key has its own result. */
export async function deleteObjects(exchange: Exchange): Promise<S3Reply> {
  const { request, profile } = exchange;
  requireBucket(exchange);
  const hasDigest =
    request.headers["content-md5"] !== undefined ||
    requestHeader(request, "x-amz-sdk-checksum-algorithm") !== undefined ||
    Object.keys(request.headers).some((name) => name.startsWith("x-amz-checksum-")) ||
    requestHeader(request, "x-amz-trailer") !== undefined;
  if (profile.deleteObjectsNeedsDigest && !hasDigest) {
    throw new S3Error("InvalidRequest", "Missing required header for this request: Content-MD5");
  }
  const root = await readXml(exchange, "Delete");
  const entries = root.children.filter((child) => child.name === "Object");
  const hasKeys = entries.every((entry) => (childText(entry, "Key") ?? "") !== "");
  if (entries.length === 0 || entries.length > profile.deleteBatchLimit || !hasKeys) {
    const limit = profile.deleteBatchLimit;
    throw new S3Error("MalformedXML", `The XML must name 1 to ${limit} objects, each by its Key.`);
  }
  requireBucket(exchange);
  const quiet = childText(root, "Quiet")?.trim() === "true";
  return xmlReply(
    "DeleteResult",
    entries.map((entry) => deleteEntry(exchange, entry, quiet)),
  );
}
