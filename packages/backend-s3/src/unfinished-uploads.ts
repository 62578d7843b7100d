import { isDeepStrictEqual } from "node:util";
import {
  type Key,
  type OperationOptions,
  type Prefix,
  StorageError,
  type UnfinishedUpload,
} from "@parquetry/core/backend";
import { explainInvalidKey } from "@parquetry/core/unstable";
import { childText, type XmlElement } from "./read-xml.ts";
import type { S3Connection } from "./s3-connection.ts";

/** Lists the unfinished uploads below a prefix, by whole segments. */
export async function* listUploads(
  connection: S3Connection,
  prefix: Prefix,
  { signal }: OperationOptions = {},
): AsyncGenerator<UnfinishedUpload> {
  let marker: Readonly<Record<string, string>> | undefined = {};
  while (marker !== undefined) {
    const query: Readonly<Record<string, string>> = {
      uploads: "",
      ...(prefix === "" ? {} : { prefix: `${prefix}/` }),
      ...marker,
    };
    const purpose = { op: "list", path: prefix, signal };
    const page: XmlElement = await connection.sendForXml(purpose, { method: "GET", query });
    for (const upload of page.children) {
      if (upload.name !== "Upload") continue;
      const name = childText(upload, "Key") ?? "";
      const uploadId = childText(upload, "UploadId");
      if (uploadId === undefined || explainInvalidKey(name) !== undefined) continue;
      // Checked by explainInvalidKey.
      yield { key: name as Key, uploadId, startedAt: new Date(childText(upload, "Initiated") ?? 0) };
    }
    const next = nextMarker(page);
    if (next !== undefined && isDeepStrictEqual(next, marker)) {
      throw new StorageError({
        ...{ code: "corrupt", op: "list", path: prefix, backend: connection.profile.name },
        message: `list ${connection.profile.name}://${connection.bucket}: the store's listing of unfinished uploads repeats a page. Check the store, and any cache or proxy in front of it.`,
      });
    }
    marker = next;
  }
}

function nextMarker(page: XmlElement): Readonly<Record<string, string>> | undefined {
  const key = childText(page, "NextKeyMarker");
  if (childText(page, "IsTruncated") !== "true" || !key) return undefined;
  const upload = childText(page, "NextUploadIdMarker");
  return { "key-marker": key, ...(upload ? { "upload-id-marker": upload } : {}) };
}
