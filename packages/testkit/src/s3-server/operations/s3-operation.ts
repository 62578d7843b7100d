import { S3Error } from "../s3-error.ts";

/** The operations that the server counts. */
export const S3_OPERATIONS = [
  "AbortMultipartUpload",
  "CompleteMultipartUpload",
  "CopyObject",
  "CreateBucket",
  "CreateMultipartUpload",
  "DeleteBucket",
  "DeleteObject",
  "DeleteObjects",
  "GetBucketLocation",
  "GetBucketVersioning",
  "GetObject",
  "HeadBucket",
  "HeadObject",
  "ListBuckets",
  "ListMultipartUploads",
  "ListObjects",
  "ListObjectsV2",
  "ListParts",
  "PutObject",
  "UploadPart",
  "UploadPartCopy",
  "Unsupported",
] as const;

/**
 * An operation by its S3 name. `Unsupported` stands for every other request: it is counted, authenticated and answered with
 * `NotImplemented`.
 */
export type S3Operation = (typeof S3_OPERATIONS)[number];

/** Sub-resources of S3 that this server does not implement; a request for one must not be taken for one of the object. */
const UNSUPPORTED_SUBRESOURCES = new Set([
  "accelerate",
  "acl",
  "analytics",
  "attributes",
  "cors",
  "encryption",
  "intelligent-tiering",
  "inventory",
  "legal-hold",
  "lifecycle",
  "logging",
  "metrics",
  "notification",
  "object-lock",
  "ownershipControls",
  "policy",
  "policyStatus",
  "publicAccessBlock",
  "replication",
  "requestPayment",
  "restore",
  "retention",
  "select",
  "session",
  "tagging",
  "torrent",
  "versionId",
  "versions",
  "website",
]);

function bucketOperation(method: string, query: ReadonlyMap<string, string>): S3Operation {
  switch (method) {
    case "GET":
      if (query.has("location")) return "GetBucketLocation";
      if (query.has("versioning")) return "GetBucketVersioning";
      if (query.has("uploads")) return "ListMultipartUploads";
      return query.get("list-type") === "2" ? "ListObjectsV2" : "ListObjects";
    case "HEAD":
      return "HeadBucket";
    case "PUT":
      return query.has("versioning") ? "Unsupported" : "CreateBucket";
    case "DELETE":
      return "DeleteBucket";
    case "POST":
      return query.has("delete") ? "DeleteObjects" : "Unsupported";
    default:
      throw notAllowed();
  }
}

function objectOperation(method: string, query: ReadonlyMap<string, string>, isCopy: boolean): S3Operation {
  const inUpload = query.has("uploadId");
  switch (method) {
    case "GET":
      return inUpload ? "ListParts" : "GetObject";
    case "HEAD":
      return "HeadObject";
    case "PUT":
      if (inUpload) return isCopy ? "UploadPartCopy" : "UploadPart";
      return isCopy ? "CopyObject" : "PutObject";
    case "DELETE":
      return inUpload ? "AbortMultipartUpload" : "DeleteObject";
    case "POST":
      if (query.has("uploads")) return "CreateMultipartUpload";
      return inUpload ? "CompleteMultipartUpload" : "Unsupported";
    default:
      throw notAllowed();
  }
}

function notAllowed(): S3Error {
  return new S3Error("MethodNotAllowed", "The specified method is not allowed against this resource.");
}

/** Returns the operation of a request. Throws `MethodNotAllowed` for a method that S3 does not use. */
export function resolveOperation(request: {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly isCopy: boolean;
}): S3Operation {
  const { method, bucket, key, query } = request;
  for (const name of query.keys()) if (UNSUPPORTED_SUBRESOURCES.has(name)) return "Unsupported";
  if (bucket === "") {
    if (method === "GET") return "ListBuckets";
    throw notAllowed();
  }
  return key === "" ? bucketOperation(method, query) : objectOperation(method, query, request.isCopy);
}
