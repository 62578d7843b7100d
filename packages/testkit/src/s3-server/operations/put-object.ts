import {
  commitOrDiscard,
  type Exchange,
  modificationTime,
  requireBucket,
  stagePayload,
} from "../http/exchange.ts";
import type { S3Reply } from "../http/s3-reply.ts";
import type { ObjectRecord } from "../store/object-store.ts";
import { attributesOf, checksumHeaders } from "./object-headers.ts";
import { writeCondition } from "./preconditions.ts";

/**
 * PutObject. The body is staged without a key. Once it is complete and verified, the condition is checked and the object
 * committed in one step.
 */
export async function putObject(exchange: Exchange): Promise<S3Reply> {
  const { request } = exchange;
  requireBucket(exchange);
  const condition = writeCondition(request, "");
  const attributes = attributesOf(exchange);
  const { staged, received } = await stagePayload(exchange);
  const record: ObjectRecord = {
    key: request.key,
    size: received.size,
    etag: received.md5,
    lastModifiedMs: modificationTime(exchange),
    ...attributes,
    ...(received.checksum && { checksum: received.checksum }),
  };
  commitOrDiscard(exchange, record, staged, condition);
  return { status: 200, headers: { etag: `"${record.etag}"`, ...checksumHeaders(record) } };
}
