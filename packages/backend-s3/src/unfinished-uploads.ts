import {
  type Key,
  type OperationOptions,
  type Prefix,
  retryOperation,
  whyNotAKey,
} from "@parquetry/core/backend";
import { abortUpload } from "./multipart-upload.ts";
import { childText, type XmlElement } from "./read-xml.ts";
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
  const { retry, profile } = connection;
  let marker: Readonly<Record<string, string>> | undefined = {};
  while (marker !== undefined) {
    const query: Readonly<Record<string, string>> = {
      uploads: "",
      ...(prefix === "" ? {} : { prefix: `${prefix}/` }),
      ...marker,
    };
    const page: XmlElement = await retryOperation(retry, profile.name, signal, prefix, () =>
      connection.sendForXml({ op: "list", path: prefix, signal }, { method: "GET", query }),
    );
    for (const upload of page.children) {
      if (upload.name !== "Upload") continue;
      const name = childText(upload, "Key") ?? "";
      const uploadId = childText(upload, "UploadId");
      if (uploadId === undefined || whyNotAKey(name) !== undefined) continue;
      // Checked by whyNotAKey.
      yield { key: name as Key, uploadId, startedAt: new Date(childText(upload, "Initiated") ?? 0) };
    }
    marker = nextMarker(page);
  }
}

function nextMarker(page: XmlElement): Readonly<Record<string, string>> | undefined {
  const key = childText(page, "NextKeyMarker");
  if (childText(page, "IsTruncated") !== "true" || !key) return undefined;
  const upload = childText(page, "NextUploadIdMarker");
  return { "key-marker": key, ...(upload ? { "upload-id-marker": upload } : {}) };
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
    await abortUpload(connection, upload);
    yield upload;
  }
}
