import { type Exchange, OWNER_ID, readXml, requireBucket } from "../http/exchange.ts";
import { planPayload } from "../http/payload-plan.ts";
import { type S3Reply, xmlReply } from "../http/s3-reply.ts";
import { S3Error } from "../s3-error.ts";
import { childText } from "../xml/xml-reader.ts";
import { xmlElement } from "../xml/xml-writer.ts";

/** Whether a name is valid: 3 to 63 of `a-z 0-9 - .`, a letter or digit at either end, not an IP address. */
export function isBucketName(name: string): boolean {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) return false;
  return !name.includes("..") && !/^\d+\.\d+\.\d+\.\d+$/.test(name);
}

/** Writes the owner, who is the same for every object and bucket. */
export function ownerElement(name = "Owner"): string {
  return xmlElement(name, [xmlElement("ID", OWNER_ID), xmlElement("DisplayName", OWNER_ID)]);
}

/** CreateBucket. Throws `InvalidBucketName`, `BucketAlreadyOwnedByYou`, `IllegalLocationConstraintException`. */
export async function createBucket(exchange: Exchange): Promise<S3Reply> {
  const { request, store, region } = exchange;
  const { bucket } = request;
  if (!isBucketName(bucket)) throw new S3Error("InvalidBucketName", "The specified bucket is not valid.");
  if (request.headers["content-length"] !== undefined && request.headers["content-length"] !== "0") {
    const root = await readXml(exchange, "CreateBucketConfiguration");
    const location = childText(root, "LocationConstraint");
    if (location !== undefined && location !== region) {
      const message = `The ${location} location constraint is incompatible for the region ${region}.`;
      throw new S3Error("IllegalLocationConstraintException", message);
    }
  } else if (request.headers["content-length"] !== undefined) {
    await exchange.receive({ plan: planPayload(request, exchange.signature), write: () => undefined });
  }
  if (store.bucket(bucket) !== undefined) {
    const message = "Your previous request to create the named bucket succeeded and you already own it.";
    throw new S3Error("BucketAlreadyOwnedByYou", message);
  }
  store.createBucket({ name: bucket, createdAtMs: exchange.nowMs() });
  return { status: 200, headers: { location: `/${bucket}` } };
}

export function headBucket(exchange: Exchange): S3Reply {
  requireBucket(exchange);
  return { status: 200, headers: { "x-amz-bucket-region": exchange.region } };
}

/** DeleteBucket. Throws `BucketNotEmpty` if it contains an object. Uploads in progress are discarded. */
export function deleteBucket(exchange: Exchange): S3Reply {
  const { request, store, uploads } = exchange;
  requireBucket(exchange);
  for (const _ of store.scan(request.bucket, () => false)) {
    throw new S3Error("BucketNotEmpty", "The bucket you tried to delete is not empty");
  }
  uploads.discardBucket(request.bucket);
  store.deleteBucket(request.bucket);
  return { status: 204, headers: {} };
}

export function listBuckets(exchange: Exchange): S3Reply {
  const buckets = [...exchange.store.buckets()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const elements = buckets.map(({ name, createdAtMs }) =>
    xmlElement("Bucket", [
      xmlElement("Name", name),
      xmlElement("CreationDate", new Date(createdAtMs).toISOString()),
    ]),
  );
  return xmlReply("ListAllMyBucketsResult", [ownerElement(), xmlElement("Buckets", elements)]);
}

/** GetBucketLocation. S3 returns an empty element for `us-east-1`. */
export function getBucketLocation(exchange: Exchange): S3Reply {
  requireBucket(exchange);
  const { region } = exchange;
  const reply = xmlReply("LocationConstraint", []);
  if (region === "us-east-1" || typeof reply.body !== "string") return reply;
  return { ...reply, body: reply.body.replace("></LocationConstraint>", `>${region}</LocationConstraint>`) };
}

/** GetBucketVersioning. Without versions S3 returns an empty document. */
export function getBucketVersioning(exchange: Exchange): S3Reply {
  requireBucket(exchange);
  return xmlReply("VersioningConfiguration", []);
}
