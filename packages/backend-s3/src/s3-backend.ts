import { CopyObjectCommand, GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import {
  type BackendCapabilities,
  type ByteRange,
  DEFAULT_RETRY_POLICY,
  type GetResult,
  isStorageError,
  type Key,
  MAX_KEY_BYTES,
  type ObjectInfo,
  type Prefix,
  type PutBody,
  type PutOptions,
  type PutResult,
  prefixed,
  type RetryPolicy,
  retrying,
  type StorageBackend,
  StorageError,
} from "@parquetry/core";
import {
  checkRange,
  collectBytes,
  isReplayable,
  openBody,
  preconditionFailed,
  rangeBeyondEnd,
} from "@parquetry/core/backend";
import { conditionalPut } from "./conditional-put.ts";
import { multipartUpload } from "./multipart-upload.ts";
import { peek } from "./peek.ts";
import { s3Body } from "./s3-body.ts";
import { connectS3, type S3Connection, type S3Credentials } from "./s3-connection.ts";
import { s3Delete } from "./s3-delete.ts";
import { md5OfEtag, plainEtag } from "./s3-etag.ts";
import { s3List } from "./s3-list.ts";
import { MAX_PARTS, PART_BYTES, R2_PROFILE, S3_PROFILE, type S3Profile } from "./s3-profile.ts";
import { singlePut } from "./single-put.ts";

/** A body that stands still for this long fails, in milliseconds. */
export const DEFAULT_STALL_TIMEOUT_MS = 30_000;
/** Connections to one store. */
export const DEFAULT_MAX_CONNECTIONS = 128;

/** Options of {@link createS3Backend}. */
export interface S3BackendOptions {
  /** The bucket. Must exist. */
  readonly bucket: string;
  /** The region. Default `us-east-1`. */
  readonly region?: string | undefined;
  /** Where a server that imitates S3 listens. Default: AWS. */
  readonly endpoint?: string | undefined;
  /** Whether the bucket goes into the path rather than into the host name. Default: only with an `endpoint`. */
  readonly forcePathStyle?: boolean | undefined;
  /** Default: the AWS chain (environment, profile, instance role, …). */
  readonly credentials?: S3Credentials | undefined;
  /** The profile of `~/.aws` that the AWS chain takes them from. Default: `AWS_PROFILE`, else `default`. */
  readonly profile?: string | undefined;
  /** Only what lies below this prefix is seen. Default: the whole bucket. */
  readonly prefix?: Prefix | undefined;
  /** How failures are repeated. Default {@link DEFAULT_RETRY_POLICY}. */
  readonly retry?: RetryPolicy | undefined;
  /** How long a connection may stand still. Default {@link DEFAULT_STALL_TIMEOUT_MS}. */
  readonly stallTimeoutMs?: number | undefined;
}

/** Options of {@link createR2Backend}. */
export interface R2BackendOptions
  extends Pick<S3BackendOptions, "bucket" | "prefix" | "retry" | "stallTimeoutMs"> {
  /** The Cloudflare account. Needed where there is no `endpoint`. */
  readonly accountId?: string | undefined;
  /** The bucket's jurisdiction, where it has one. */
  readonly jurisdiction?: "eu" | "fedramp" | undefined;
  /** Default `https://<accountId>.r2.cloudflarestorage.com`, with the jurisdiction where there is one. */
  readonly endpoint?: string | undefined;
  /** An R2 API token's access key. */
  readonly credentials: S3Credentials;
}

/**
 * Opens a bucket of AWS S3, or of a server that imitates it. Nothing is sent yet.
 *
 * @throws StorageError `invalid_argument` for an endpoint that is no URL.
 * @example
 * ```ts
 * const backend = createS3Backend({ bucket: "football", region: "us-east-2" });
 * ```
 */
export function createS3Backend(options: S3BackendOptions): StorageBackend {
  return open(S3_PROFILE, options);
}

/**
 * Opens a bucket of Cloudflare R2. Nothing is sent yet.
 *
 * @throws StorageError `invalid_argument` for neither an account nor an endpoint.
 * @example
 * ```ts
 * const backend = createR2Backend({ bucket: "football", accountId, credentials });
 * ```
 */
export function createR2Backend(options: R2BackendOptions): StorageBackend {
  const { accountId, jurisdiction, ...rest } = options;
  if (options.endpoint === undefined && accountId === undefined) {
    throw new StorageError({
      code: "invalid_argument",
      op: "open",
      backend: "r2",
      message: "open r2: give the account id, or an endpoint.",
    });
  }
  const host = [accountId, jurisdiction, "r2.cloudflarestorage.com"]
    .filter((part) => part !== undefined)
    .join(".");
  return open(R2_PROFILE, { ...rest, endpoint: options.endpoint ?? `https://${host}` });
}

function open(profile: S3Profile, options: S3BackendOptions): StorageBackend {
  const { bucket, prefix = "", retry = DEFAULT_RETRY_POLICY, endpoint } = options;
  if (endpoint !== undefined && !/^https?:\/\//.test(endpoint)) {
    throw new StorageError({
      code: "invalid_argument",
      op: "open",
      backend: profile.name,
      message: `open ${profile.name}: the endpoint ${JSON.stringify(endpoint)} is no http or https URL.`,
    });
  }
  const connection = connectS3({
    profile,
    bucket,
    region: options.region,
    endpoint,
    forcePathStyle: options.forcePathStyle,
    credentials: options.credentials,
    profileName: options.profile,
    stallTimeoutMs: options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS,
    maxConnections: DEFAULT_MAX_CONNECTIONS,
    retry,
  });
  return prefixed(retrying(bareS3Backend(connection), retry), prefix);
}

function capabilitiesOf(profile: S3Profile): BackendCapabilities {
  return {
    listProves: "md5",
    maxSinglePutBytes: PART_BYTES,
    partSizeBytes: PART_BYTES,
    maxParts: MAX_PARTS,
    deleteBatchSize: profile.deleteBatchSize,
    listPageSize: 1000,
    writesPerSecondPerKey: profile.writesPerSecondPerKey,
    maxKeyBytes: MAX_KEY_BYTES,
    keyNormalization: profile.keyNormalization,
    hierarchicalKeys: false,
  };
}

/** The bare backend: every operation once, failures explained. */
function bareS3Backend(connection: S3Connection): StorageBackend {
  const { bucket, profile } = connection;
  const { name } = profile;

  const head = async (op: string, key: Key, signal: AbortSignal | undefined): Promise<ObjectInfo> => {
    const found = await connection.send(op, key, signal, (client, abort) =>
      client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), abort),
    );
    return objectInfo(
      key,
      plainEtag(found.ETag, op, key, name),
      found.ContentLength ?? 0,
      found.LastModified,
    );
  };

  return {
    name,
    capabilities: capabilitiesOf(profile),
    url: (key: Prefix = "") => `${name}://${bucket}${key === "" ? "" : `/${key}`}`,
    head: (key, options) => head("head", key, options?.signal),

    async get(key, options = {}): Promise<GetResult> {
      const { range, ifMatch, signal } = options;
      if (range !== undefined) checkRange(range, key, name);
      try {
        const found = await connection.send("get", key, signal, (client, abort) =>
          client.send(
            new GetObjectCommand({
              Bucket: bucket,
              Key: key,
              ...(range === undefined ? {} : { Range: rangeHeader(range) }),
              ...(ifMatch === undefined ? {} : { IfMatch: `"${ifMatch}"` }),
            }),
            abort,
          ),
        );
        const size = totalBytes(found.ContentRange) ?? found.ContentLength ?? 0;
        const info = objectInfo(key, plainEtag(found.ETag, "get", key, name), size, found.LastModified);
        return { info, body: s3Body(connection, key, found.Body, found.ContentLength, signal) };
      } catch (error) {
        if (isStorageError(error, "precondition_failed") && ifMatch !== undefined) {
          throw preconditionFailed(name, "get", key, ifMatch);
        }
        if (
          isStorageError(error, "invalid_argument") &&
          range !== undefined &&
          error.message.includes("HTTP 416")
        ) {
          throw rangeBeyondEnd(range, undefined, key, name);
        }
        throw error;
      }
    },

    put: (key, body, options = {}) => put(connection, key, body, options),
    list: (options = {}) => s3List(connection, options),
    delete: (keys, options) => s3Delete(connection, keys, options),

    async copy(from, to, options = {}) {
      const { signal } = options;
      const source = await head("copy", from, signal);
      const conditional = options.ifMatch !== undefined || options.ifNoneMatch !== undefined;
      // Conditions on a copy's target are new in S3 and unknown elsewhere; one copy request takes 5 GB at most.
      if (conditional || source.sizeBytes > MAX_COPY_BYTES) {
        const body = {
          sizeBytes: source.sizeBytes,
          async *open(range?: { readonly start: number; readonly end?: number }): AsyncGenerator<Uint8Array> {
            const command = new GetObjectCommand({
              Bucket: bucket,
              Key: from,
              IfMatch: `"${source.etag}"`,
              ...(range === undefined ? {} : { Range: rangeHeader(range) }),
            });
            const found = await connection.send("copy", from, signal, (client, abort) =>
              client.send(command, abort),
            );
            yield* s3Body(connection, from, found.Body, found.ContentLength, signal);
          },
        };
        return put(connection, to, body, options);
      }
      const copied = await connection.send("copy", from, signal, (client, abort) =>
        client.send(
          new CopyObjectCommand({
            Bucket: bucket,
            Key: to,
            // Sent as it is by the SDK, so it is encoded here, segment by segment.
            CopySource: [bucket, ...from.split("/")].map(encodeURIComponent).join("/"),
          }),
          abort,
        ),
      );
      const etag = plainEtag(copied.CopyObjectResult?.ETag, "copy", to, name);
      return { etag, sizeBytes: source.sizeBytes };
    },

    async close() {
      connection.close();
    },
  };
}

/** The largest object that one CopyObject takes, in bytes (S3 and R2). */
const MAX_COPY_BYTES = 5 * 1024 ** 3;

async function put(
  connection: S3Connection,
  key: Key,
  body: PutBody,
  options: PutOptions,
): Promise<PutResult> {
  const send = (metadata: Record<string, string>): Promise<PutResult> =>
    putOnce(connection, key, body, metadata, options);
  if (options.ifMatch === undefined && options.ifNoneMatch === undefined) return send({});
  return conditionalPut(connection, key, options, send, body instanceof Uint8Array || isReplayable(body));
}

async function putOnce(
  connection: S3Connection,
  key: Key,
  body: PutBody,
  metadata: Record<string, string>,
  options: PutOptions,
): Promise<PutResult> {
  if (body instanceof Uint8Array && body.byteLength <= PART_BYTES)
    return singlePut(connection, key, body, metadata, options);
  if (isReplayable(body) && body.sizeBytes <= PART_BYTES) {
    return singlePut(connection, key, await collectBytes(body.open()), metadata, options);
  }
  const { head, rest } = await peek(openBody(body), PART_BYTES);
  if (rest === undefined) return singlePut(connection, key, head, metadata, options);
  const size = body instanceof Uint8Array ? body.byteLength : isReplayable(body) ? body.sizeBytes : undefined;
  return multipartUpload(connection, key, rest, size, metadata, options);
}

function objectInfo(key: Key, etag: string, sizeBytes: number, lastModified: Date | undefined): ObjectInfo {
  const md5 = md5OfEtag(etag);
  return {
    key,
    sizeBytes,
    etag,
    lastModified: lastModified ?? new Date(0),
    ...(md5 === undefined ? {} : { md5 }),
  };
}

function rangeHeader(range: ByteRange): string {
  if ("last" in range) return `bytes=-${range.last}`;
  return `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`;
}

/** The whole object's size in a `Content-Range: bytes 0-9/1000`. */
function totalBytes(contentRange: string | undefined): number | undefined {
  const total = contentRange?.split("/")[1];
  return total === undefined || total === "*" ? undefined : Number(total);
}
