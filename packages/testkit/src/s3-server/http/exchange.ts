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

/** Largest XML document of a request; 1,000 long keys to delete or 10,000 parts need less. */
const MAX_XML_BYTES = 8 * 1024 ** 2;

/** ID of the only account. */
export const OWNER_ID = "parquetry-testkit";

/** One authenticated request, with everything that an operation needs to answer it. */
export interface Exchange {
  readonly request: S3Request;
  readonly signature: VerifiedSignature;
  readonly store: ObjectStore;
  readonly uploads: MultipartUploads;
  readonly profile: S3Profile;
  readonly region: string;
  /** The server's clock, in milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Limit of a listing's page; finite where a fault shortens pages. */
  readonly maxListKeys: number;
  /** Returns the error that a fault rule has for one key of a DeleteObjects request. */
  readonly keyFault: (key: string) => S3Error | undefined;
  /** Receives the request's body; see {@link receivePayload}. */
  readonly receive: (options: PayloadOptions) => Promise<ReceivedPayload>;
}

/** The options that an operation chooses. */
export type PayloadOptions = Pick<ReceiveOptions, "plan" | "write" | "computeChecksum">;

/** Throws `NoSuchBucket` if the bucket does not exist; by default that of the request. */
export function requireBucket(exchange: Exchange, name: string = exchange.request.bucket): void {
  if (exchange.store.bucket(name) === undefined) {
    throw new S3Error("NoSuchBucket", `The specified bucket does not exist: ${name}`);
  }
}

/**
 * Receives and parses the XML document of a request. Throws `MalformedXML`, `MaxMessageLengthExceeded` and the errors of
 * {@link receivePayload}.
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

/** Receives a request's payload into the store, not yet under a key. A payload that fails leaves nothing behind. */
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

/** Commits staged bytes if the bucket still exists and the condition holds. Check and commit are one step. */
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

/** {@link commitObject} that discards the staged bytes if it fails. */
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

/** Returns the modification time of a new object. S3 keeps whole seconds, also in listings. */
export function modificationTime(exchange: Exchange): number {
  return Math.floor(exchange.nowMs() / 1000) * 1000;
}
