import {
  type BackendCapabilities,
  type ByteRange,
  checkRange,
  collectBytes,
  DEFAULT_RETRY_POLICY,
  type GetResult,
  isReplayable,
  isStorageError,
  type Key,
  limited,
  MAX_KEY_BYTES,
  type ObjectAccess,
  type ObjectBody,
  openBody,
  type Prefix,
  type PutBody,
  type PutOptions,
  type PutResult,
  paced,
  preconditionFailed,
  prefixed,
  type RetryPolicy,
  rangeBeyondEnd,
  retrying,
  retryOperation,
  type StorageBackend,
  StorageError,
  verifiedBody,
} from "@parquetry/core/backend";
import type { S3Credentials } from "./aws-credentials.ts";
import { multipartUpload } from "./multipart-upload.ts";
import { headObject, objectInfo } from "./object-headers.ts";
import { peek } from "./peek.ts";
import { s3Body } from "./s3-body.ts";
import { connectS3, type S3Connection } from "./s3-connection.ts";
import { s3Copy } from "./s3-copy.ts";
import { s3Delete } from "./s3-delete.ts";
import { s3List } from "./s3-list.ts";
import { R2_PROFILE, S3_PROFILE, type S3Profile } from "./s3-profile.ts";
import { type S3Backend, s3Uploads } from "./s3-uploads.ts";
import { putBytes } from "./single-put.ts";

/** A body that stands still for this long fails, in milliseconds. */
export const DEFAULT_STALL_TIMEOUT_MS = 30_000;
/** Connections to one store. */
export const DEFAULT_MAX_CONNECTIONS = 256;

/** Objects on one page of a listing: the most that S3 and R2 give. */
const DEFAULT_LIST_PAGE_SIZE = 1000;

const R2_DOMAIN = "r2.cloudflarestorage.com";

/** Options of {@link createS3Backend}. */
export interface S3BackendOptions {
  /** The bucket. Must exist. */
  readonly bucket: string;
  /** The region. Default `us-east-1`. */
  readonly region?: string | undefined;
  /** Where a server that imitates S3 listens. Default: `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`, else AWS. */
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
  /** How many operations run at once in good times; fewer while the store is overloaded. Default {@link DEFAULT_MAX_CONNECTIONS}. */
  readonly maxConcurrent?: number | undefined;
  /** The most objects that one page of a listing holds, 1 to 1,000. Default 1,000. */
  readonly listPageSize?: number | undefined;
  /** How long a connection may stand still; ten times that while the store copies or joins. Default {@link DEFAULT_STALL_TIMEOUT_MS}. */
  readonly stallTimeoutMs?: number | undefined;
}

/** Options of {@link createR2Backend}. */
export interface R2BackendOptions
  extends Pick<
    S3BackendOptions,
    "bucket" | "prefix" | "retry" | "maxConcurrent" | "listPageSize" | "stallTimeoutMs"
  > {
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
export function createS3Backend(options: S3BackendOptions): S3Backend {
  const endpoint = options.endpoint ?? process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"];
  return openS3Backend(S3_PROFILE, { ...options, endpoint: endpoint === "" ? undefined : endpoint });
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
export function createR2Backend(options: R2BackendOptions): S3Backend {
  const { accountId, jurisdiction, ...rest } = options;
  if (options.endpoint === undefined && accountId === undefined) {
    throw new StorageError({
      code: "invalid_argument",
      op: "open",
      backend: "r2",
      message: "open r2: give the account id, or an endpoint.",
    });
  }
  const host = [accountId, jurisdiction, R2_DOMAIN].filter((part) => part !== undefined).join(".");
  const endpoint = options.endpoint ?? `https://${host}`;
  // What imitates R2 does not count the writes to a key.
  const counts = URL.canParse(endpoint) && new URL(endpoint).hostname.endsWith(R2_DOMAIN);
  return openS3Backend(counts ? R2_PROFILE : { ...R2_PROFILE, writesPerSecondPerKey: undefined }, {
    ...rest,
    endpoint,
  });
}

/** A bucket of any profile, with the wrappers that make it a backend to work with. */
export function openS3Backend(profile: S3Profile, options: S3BackendOptions): S3Backend {
  const { bucket, prefix = "", retry = DEFAULT_RETRY_POLICY, endpoint } = options;
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
    listPageSize: options.listPageSize ?? DEFAULT_LIST_PAGE_SIZE,
    retry,
  });
  const { maxConcurrent = DEFAULT_MAX_CONNECTIONS } = options;
  const bare = bareS3Backend(connection);
  const backend = prefixed(retrying(paced(limited(bare, { maxConcurrent })), retry), prefix);
  const { region, isPathStyle } = connection;
  const objectAccess = async (): Promise<ObjectAccess> => ({
    ...{ bucket, prefix, region, endpoint, isPathStyle },
    credentials: await connection.credentials(),
  });
  return { ...backend, ...s3Uploads(connection, prefix), objectAccess };
}

function capabilitiesOf({ profile, listPageSize }: S3Connection): BackendCapabilities {
  return {
    listProves: "md5",
    maxSinglePutBytes: profile.partBytes,
    partSizeBytes: profile.partBytes,
    maxParts: profile.maxParts,
    deleteBatchSize: profile.deleteBatchSize,
    listPageSize,
    writesPerSecondPerKey: profile.writesPerSecondPerKey,
    maxKeyBytes: MAX_KEY_BYTES,
    keyNormalization: profile.keyNormalization,
    hierarchicalKeys: false,
  };
}

/** The bare backend: every operation once, failures explained. */
export function bareS3Backend(connection: S3Connection): StorageBackend {
  const { bucket, profile } = connection;
  const { name } = profile;

  return {
    name,
    capabilities: capabilitiesOf(connection),
    url: (key: Prefix = "") => `${name}://${bucket}${key === "" ? "" : `/${key}`}`,
    async head(key, options) {
      return (await headObject(connection, key, { op: "head", path: key, signal: options?.signal })).info;
    },

    async get(key, options = {}): Promise<GetResult> {
      const { range, ifMatch, verify = false, signal } = options;
      if (range !== undefined) checkRange(range, key, name);
      const headers: Record<string, string> = {};
      if (range !== undefined) headers["range"] = rangeHeader(range);
      if (ifMatch !== undefined) headers["if-match"] = `"${ifMatch}"`;
      let body: ObjectBody | undefined;
      try {
        const answer = await connection.open(
          { op: "get", path: key, signal },
          { method: "GET", key, headers },
        );
        body = s3Body(connection, key, answer, signal);
        const info = objectInfo(connection, "get", key, answer.headers);
        const { sizeBytes } = info;
        const isRanged = answer.headers["content-range"] !== undefined && sizeBytes > 0;
        if (range !== undefined && !isRanged && !isWhole(range, sizeBytes)) {
          throw rangeIgnored(range, sizeBytes, key, name);
        }
        return { info, body: verify ? verifiedBody(name, info, range, body) : body };
      } catch (error) {
        await body?.cancel();
        if (isStorageError(error, "precondition_failed") && ifMatch !== undefined) {
          throw preconditionFailed(name, "get", key, ifMatch);
        }
        if (isStorageError(error) && error.storeCode === "InvalidRange" && range !== undefined) {
          throw rangeBeyondEnd(range, undefined, key, name);
        }
        throw error;
      }
    },

    put: (key, body, options = {}) => put(connection, key, body, options),
    list: (options = {}) => s3List(connection, options),
    delete: (keys, options) => s3Delete(connection, keys, options),

    copy: (from, to, options = {}) => s3Copy(connection, from, to, options),

    async close() {
      connection.close();
    },
  };
}

function put(connection: S3Connection, key: Key, body: PutBody, options: PutOptions): Promise<PutResult> {
  const isSmall = body instanceof Uint8Array && body.byteLength <= connection.profile.partBytes;
  return isSmall ? putBytes(connection, key, body, options) : putAnyBody(connection, key, body, options);
}

async function putAnyBody(
  connection: S3Connection,
  key: Key,
  body: PutBody,
  options: PutOptions,
): Promise<PutResult> {
  const { partBytes } = connection.profile;
  if (isReplayable(body) && body.sizeBytes <= partBytes) {
    return putBytes(connection, key, await collectBytes(body.open()), options);
  }
  const { head, rest } = await peek(openBody(body), partBytes);
  if (rest === undefined) {
    // Repeated here, since whoever called cannot read the stream again.
    return retryOperation(connection.retry, connection.profile.name, options.signal, key, () =>
      putBytes(connection, key, head, options),
    );
  }
  const size = body instanceof Uint8Array ? body.byteLength : isReplayable(body) ? body.sizeBytes : undefined;
  return multipartUpload(connection, key, rest, size, options);
}

/** Whether a range is all of an object. */
function isWhole(range: ByteRange, sizeBytes: number): boolean {
  if (sizeBytes === 0) return false;
  return "last" in range
    ? range.last >= sizeBytes
    : range.start === 0 && (range.end ?? sizeBytes) >= sizeBytes;
}

/** A server that answers a range with the whole: MinIO for an empty object, which has no range. */
function rangeIgnored(range: ByteRange, sizeBytes: number, key: Key, backend: string): StorageError {
  if (sizeBytes === 0) return rangeBeyondEnd(range, sizeBytes, key, backend);
  return new StorageError({
    code: "not_supported",
    op: "get",
    path: key,
    backend,
    message: `get ${key}: the store ignores ranges; asked for ${JSON.stringify(range)}, it sends the whole object.`,
  });
}

function rangeHeader(range: ByteRange): string {
  if ("last" in range) return `bytes=-${range.last}`;
  return `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`;
}
