import { ListMultipartUploadsCommand, type ListMultipartUploadsCommandOutput } from "@aws-sdk/client-s3";
import { type Key, type OperationOptions, type Prefix, whyNotAKey } from "@parquetry/core";
import { retryOperation } from "@parquetry/core/backend";
import { abortUpload } from "./multipart-upload.ts";
import type { S3Connection } from "./s3-connection.ts";

/** An upload by parts that has neither become an object nor been ended. Its parts cost. */
export interface UnfinishedUpload {
  /** The key that it would become. */
  readonly key: Key;
  /** The store's name for it. */
  readonly uploadId: string;
  /** When it began. */
  readonly startedAt: Date;
}

/** Lists the unfinished uploads below a prefix, by whole segments. */
export async function* listUploads(
  connection: S3Connection,
  prefix: Prefix,
  { signal }: OperationOptions = {},
): AsyncGenerator<UnfinishedUpload> {
  const { bucket, retry, profile } = connection;
  let marker: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined = {};
  while (marker !== undefined) {
    const command = new ListMultipartUploadsCommand({
      Bucket: bucket,
      ...(prefix === "" ? {} : { Prefix: `${prefix}/` }),
      ...marker,
    });
    const page: ListMultipartUploadsCommandOutput = await retryOperation(
      retry,
      profile.name,
      signal,
      prefix,
      () => connection.send("list", prefix, signal, (client, abort) => client.send(command, abort)),
    );
    for (const { Key: name = "", UploadId, Initiated } of page.Uploads ?? []) {
      if (UploadId === undefined || whyNotAKey(name) !== undefined) continue;
      // Checked by whyNotAKey.
      yield { key: name as Key, uploadId: UploadId, startedAt: Initiated ?? new Date(0) };
    }
    marker = nextMarker(page);
  }
}

function nextMarker(
  page: ListMultipartUploadsCommandOutput,
): { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined {
  const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
  if (!IsTruncated || NextKeyMarker === undefined) return undefined;
  return { KeyMarker: NextKeyMarker, ...(NextUploadIdMarker ? { UploadIdMarker: NextUploadIdMarker } : {}) };
}

/** Ends the uploads below a prefix that began before `olderThan`. */
export async function* abortStaleUploads(
  connection: S3Connection,
  prefix: Prefix,
  olderThan: Date,
  options: OperationOptions = {},
): AsyncGenerator<UnfinishedUpload> {
  for await (const upload of listUploads(connection, prefix, options)) {
    if (upload.startedAt >= olderThan) continue;
    await abortUpload(connection, { Bucket: connection.bucket, Key: upload.key, UploadId: upload.uploadId });
    yield upload;
  }
}
