import type { Exchange } from "../http/exchange.ts";
import type { S3Reply } from "../http/s3-reply.ts";
import { S3Error } from "../s3-error.ts";
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
} from "./bucket-operations.ts";
import { completeMultipartUpload } from "./complete-upload.ts";
import { copyObject } from "./copy-object.ts";
import { deleteObject, deleteObjects } from "./delete-objects.ts";
import { getObject, headObject } from "./get-object.ts";
import { listObjects, listObjectsV2 } from "./list-objects.ts";
import {
  abortMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
  uploadPartCopy,
} from "./multipart-operations.ts";
import { putObject } from "./put-object.ts";
import type { S3Operation } from "./s3-operation.ts";

/** Answers one authenticated request, or throws an {@link S3Error}. */
export type OperationHandler = (exchange: Exchange) => S3Reply | Promise<S3Reply>;

export const OPERATIONS: Readonly<Record<S3Operation, OperationHandler>> = {
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateBucket: createBucket,
  CreateMultipartUpload: createMultipartUpload,
  DeleteBucket: deleteBucket,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  GetObject: getObject,
  HeadBucket: headBucket,
  HeadObject: headObject,
  ListBuckets: listBuckets,
  ListMultipartUploads: listMultipartUploads,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListParts: listParts,
  PutObject: putObject,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  Unsupported: () => {
    throw new S3Error("NotImplemented", "A request or header you provided asks for what is not implemented.");
  },
};
