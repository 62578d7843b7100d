import type { MultipartUploads } from "../operations/multipart-uploads.ts";
import { checkWrite, type WriteCondition } from "../operations/preconditions.ts";
import { S3Error } from "../s3-error.ts";
import type { S3Profile } from "../s3-profile.ts";
import type { VerifiedSignature } from "../signature/authenticate.ts";
import type { ObjectRecord, ObjectStore, StagedBytes } from "../store/object-store.ts";
import { parseXml, type XmlNode } from "../xml/xml-reader.ts";
import { type DigestScope, planPayload } from "./payload-plan.ts";
import { type ReceivedPayload, type ReceiveOptions, receivePayload } from "./receive-payload.ts";
import type { S3Request } from "./s3-request.ts";

/** Largest XML document a request may carry: 1,000 long keys to delete, or 10,000 parts, with room. */
const MAX_XML_BYTES = 8 * 1024 ** 2;

/** Name of the only account there is. */
export const OWNER_ID = "parquetry-testkit";

/** One authenticated request, with all that an operation may use to answer it. */
export interface Exchange {
  readonly request: S3Request;
  readonly signature: VerifiedSignature;
  readonly store: ObjectStore;
  readonly uploads: MultipartUploads;
  readonly profile: S3Profile;
  readonly region: string;
  /** The server's clock, in milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Most entries a listing may return, where a fault makes pages short. */
  readonly maxListKeys: number;
  /** Error that a fault rule holds for one key of a DeleteObjects request. */
  readonly keyFault: (key: string) => S3Error | undefined;
  /** Takes the request's body in; see {@link receivePayload}. */
  readonly receive: (options: PayloadOptions) => Promise<ReceivedPayload>;
}

/** The part of the receive options that an operation chooses. */
export type PayloadOptions = Pick<ReceiveOptions, "plan" | "write" | "computeChecksum">;

/** Throws `NoSuchBucket` unless the request's bucket, or the one named, exists. */
export function requireBucket(exchange: Exchange, name: string = exchange.request.bucket): void {
  if (exchange.store.bucket(name) === undefined) {
    throw new S3Error("NoSuchBucket", `The specified bucket does not exist: ${name}`);
  }
}

/**
 * Reads and parses the XML document a request carries, its checksums verified. Throws `MalformedXML`,
 * `MaxMessageLengthExceeded` and what {@link receivePayload} throws.
 */
export async function readXml(
  exchange: Exchange,
  rootName: string,
  digests: DigestScope = "payload",
): Promise<XmlNode> {
  const plan = planPayload(exchange.request, exchange.signature, digests);
  if (plan.size > MAX_XML_BYTES) {
    throw new S3Error("MaxMessageLengthExceeded", "Your request was too large.");
  }
  const chunks: Buffer[] = [];
  await exchange.receive({
    plan,
    write: (chunk) => {
      chunks.push(chunk);
      return undefined;
    },
  });
  return parseXml(Buffer.concat(chunks).toString("utf8"), rootName);
}

/** Takes a request's payload into the store, not yet under any key. When the payload fails, nothing stays. */
export async function stagePayload(
  exchange: Exchange,
  computeChecksum?: ReceiveOptions["computeChecksum"],
): Promise<{ staged: StagedBytes; received: ReceivedPayload }> {
  const plan = planPayload(exchange.request, exchange.signature);
  const writer = exchange.store.stage();
  try {
    const received = await exchange.receive({
      plan,
      write: (chunk) => writer.write(chunk),
      ...(computeChecksum && { computeChecksum }),
    });
    return { staged: await writer.finish(), received };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Commits staged bytes if the bucket still exists and the condition holds; nothing comes in between. */
export function commitObject(
  exchange: Exchange,
  record: ObjectRecord,
  staged: StagedBytes,
  condition: WriteCondition,
): void {
  const { store, request, profile } = exchange;
  requireBucket(exchange);
  checkWrite(condition, store.find(request.bucket, record.key), profile);
  store.commit(request.bucket, record, staged);
}

/** {@link commitObject} that throws the staged bytes away when it fails. */
export function commitOrDiscard(
  exchange: Exchange,
  record: ObjectRecord,
  staged: StagedBytes,
  condition: WriteCondition,
): void {
  try {
    commitObject(exchange, record, staged, condition);
  } catch (error) {
    staged.discard();
    throw error;
  }
}

/** The time an object is given. S3 keeps whole seconds, in listings too. */
export function modificationTime(exchange: Exchange): number {
  return Math.floor(exchange.nowMs() / 1000) * 1000;
}
