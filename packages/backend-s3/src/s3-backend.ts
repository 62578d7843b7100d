import {
  type BackendCapabilities,
  collectBytes,
  DEFAULT_RETRY_POLICY,
  type GetResult,
  type Key,
  limited,
  listedInRanges,
  openBody,
  type Prefix,
  type PutBody,
  type PutOptions,
  type PutResult,
  paced,
  parsePrefix,
  prefixed,
  type RetryPolicy,
  retrying,
  type StorageBackend,
  StorageError,
  withAbilities,
} from "@parquetry/core/backend";
import {
  checkOptions,
  checkRange,
  invalid,
  isReplayable,
  MAX_KEY_BYTES,
  type OptionKind,
  type OptionKinds,
  oneOf,
  RETRY_OPTIONS,
  retryOperation,
} from "@parquetry/core/unstable";
import type { AwsClient } from "./aws-client.ts";
import type { S3Credentials } from "./aws-credentials.ts";
import { getInPieces } from "./get-in-pieces.ts";
import { getObject } from "./get-object.ts";
import { abortUpload, multipartUpload } from "./multipart-upload.ts";
import { headObject } from "./object-headers.ts";
import { peek } from "./peek.ts";
import { resumableUpload } from "./resumable-upload.ts";
import { connectS3, type S3Connection } from "./s3-connection.ts";
import { s3Copy } from "./s3-copy.ts";
import { s3Delete } from "./s3-delete.ts";
import { s3List } from "./s3-list.ts";
import { R2_PROFILE, S3_PROFILE, type S3Profile } from "./s3-profile.ts";
import { putBytes } from "./single-put.ts";
import { listUploads } from "./unfinished-uploads.ts";

/** The time after which a connection on which nothing moves fails, in milliseconds. */
export const DEFAULT_STALL_TIMEOUT_MS = 30_000;
/** Connections to one store. */
export const DEFAULT_MAX_CONNECTIONS = 256;

/** Objects on one page of a listing: the most that S3 and R2 return. */
const DEFAULT_LIST_PAGE_SIZE = 1000;

const R2_DOMAIN = "r2.cloudflarestorage.com";

/** The names of directory buckets (S3 Express One Zone), and of access points to them. */
const DIRECTORY_BUCKET = /--xa?-s3$/;

/** Options of {@link createS3Backend}. */
export interface S3BackendOptions {
  /** The bucket, which must exist: its name, the alias of an access point, or the ARN of one. */
  readonly bucket: string;
  /**
   * An `S3Client` of `@aws-sdk/client-s3`, whose credentials, region and endpoint rules are used: FIPS, dual-stack,
   * acceleration, path style, a custom endpoint. Requests do not go through it, so its middleware, request handler and
   * retries have no effect. Replaces `region`, `endpoint`, `forcePathStyle`, `credentials` and `profile`.
   */
  readonly client?: AwsClient | undefined;
  /** The region. Default: `AWS_REGION`, then the profile's where the AWS chain is asked, then `us-east-1`. */
  readonly region?: string | undefined;
  /**
   * The URL of a server that speaks the S3 protocol. Default: `AWS_ENDPOINT_URL_S3`, then `AWS_ENDPOINT_URL`, then the
   * profile's `endpoint_url` where the AWS chain is asked, then AWS.
   */
  readonly endpoint?: string | undefined;
  /** Whether the bucket is part of the path rather than of the host name. Default: true with an endpoint, else false. */
  readonly forcePathStyle?: boolean | undefined;
  /** Default: those of the AWS chain (environment, profile, SSO, instance role, …). */
  readonly credentials?: S3Credentials | undefined;
  /** The profile of `~/.aws` that the AWS chain reads. Default: `AWS_PROFILE`, then `default`. */
  readonly profile?: string | undefined;
  /** Only objects below this prefix are visible, by keys relative to it. Default: the whole bucket. */
  readonly prefix?: Prefix | undefined;
  /** When and how often failures are retried. Default {@link DEFAULT_RETRY_POLICY}. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** The most concurrent operations; fewer while the store is overloaded. Default {@link DEFAULT_MAX_CONNECTIONS}. */
  readonly maxConcurrent?: number | undefined;
  /** The most objects on one page of a listing, 1 to 1,000. Default 1,000. */
  readonly listPageSize?: number | undefined;
  /**
   * The time after which a connection on which nothing moves fails, in milliseconds; ten times that while the store copies an
   * object or joins parts. Default {@link DEFAULT_STALL_TIMEOUT_MS}.
   */
  readonly stallTimeoutMs?: number | undefined;
}

/** Options of {@link createR2Backend}. */
export interface R2BackendOptions
  extends Pick<
    S3BackendOptions,
    "bucket" | "prefix" | "retry" | "maxConcurrent" | "listPageSize" | "stallTimeoutMs"
  > {
  /** The Cloudflare account. Required without an `endpoint`. */
  readonly accountId?: string | undefined;
  /** The jurisdiction of the bucket, if it has one. */
  readonly jurisdiction?: "eu" | "us" | "fedramp" | undefined;
  /** Default `https://<accountId>.r2.cloudflarestorage.com`, with the jurisdiction if there is one. */
  readonly endpoint?: string | undefined;
  /** The access key of an R2 API token. */
  readonly credentials: S3Credentials;
}

const CREDENTIALS: OptionKind = {
  expected: "an object with accessKeyId and secretAccessKey",
  is: (value) => {
    const { accessKeyId, secretAccessKey, sessionToken } = Object(value);
    const isText = typeof accessKeyId === "string" && typeof secretAccessKey === "string";
    return isText && (sessionToken === undefined || typeof sessionToken === "string");
  },
};

const BUCKET_OPTIONS: OptionKinds<Omit<R2BackendOptions, "accountId" | "jurisdiction">> = {
  bucket: {
    expected: "the name of a bucket",
    is: (value) => typeof value === "string" && value !== "" && value.isWellFormed(),
  },
  prefix: "string",
  retry: "object",
  maxConcurrent: "count",
  listPageSize: {
    expected: "a whole number from 1 to 1,000",
    is: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= DEFAULT_LIST_PAGE_SIZE,
  },
  stallTimeoutMs: "positive",
  endpoint: "string",
  credentials: CREDENTIALS,
};

const S3_OPTIONS: OptionKinds<S3BackendOptions> = {
  ...BUCKET_OPTIONS,
  client: {
    expected: "an S3Client of @aws-sdk/client-s3",
    is: (value) => typeof Object(Object(value).config).endpointProvider === "function",
  },
  region: "string",
  forcePathStyle: "boolean",
  profile: "string",
};

const R2_OPTIONS: OptionKinds<R2BackendOptions> = {
  ...BUCKET_OPTIONS,
  accountId: "string",
  jurisdiction: oneOf("eu", "us", "fedramp"),
};

/** Options that a client replaces. */
const OF_CLIENT = ["region", "endpoint", "forcePathStyle", "credentials", "profile"] as const;

/**
 * Opens a bucket of AWS S3, or of a server that speaks its protocol. Nothing is sent yet.
 *
 * @throws StorageError `invalid_argument` for a wrong option, or an endpoint that is not a URL; `not_supported` for a
 * directory bucket (S3 Express One Zone).
 * @example
 * ```ts
 * const backend = createS3Backend({ bucket: "football", region: "us-east-2" });
 * ```
 * @example
 * ```ts
 * const client = new S3Client({ useFipsEndpoint: true });
 * const backend = createS3Backend({ bucket: "arn:aws:s3:us-west-2:123456789012:accesspoint/football", client });
 * ```
 */
export function createS3Backend(options: S3BackendOptions): StorageBackend {
  checkOptions(options, S3_OPTIONS, "createS3Backend");
  const { bucket, client } = options;
  const replaced = OF_CLIENT.find((name) => options[name] !== undefined);
  if (client !== undefined && replaced !== undefined)
    throw invalid("createS3Backend", `${replaced} cannot be combined with client, which has its own`);
  if (DIRECTORY_BUCKET.test(bucket)) {
    throw new StorageError({
      ...{ code: "not_supported", op: "createS3Backend", backend: "s3" },
      message: `createS3Backend: ${bucket} is a directory bucket (S3 Express One Zone). Its listings have no order, which merging and resuming need. Use a general purpose bucket.`,
    });
  }
  if (client !== undefined) return openS3Backend(S3_PROFILE, options);
  const { AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
  return openS3Backend(S3_PROFILE, {
    ...options,
    region: options.region ?? (AWS_REGION || undefined),
    endpoint: options.endpoint ?? (AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || undefined),
  });
}

/**
 * Opens a bucket of Cloudflare R2. Nothing is sent yet.
 *
 * @throws StorageError `invalid_argument` for a wrong option, or with neither an account nor an endpoint.
 * @example
 * ```ts
 * const backend = createR2Backend({ bucket: "football", accountId, credentials });
 * ```
 */
export function createR2Backend(options: R2BackendOptions): StorageBackend {
  checkOptions(options, R2_OPTIONS, "createR2Backend");
  const { accountId, jurisdiction, ...rest } = options;
  if (options.credentials === undefined) throw invalid("createR2Backend", "credentials are missing");
  if (options.endpoint === undefined && accountId === undefined)
    throw invalid("createR2Backend", "pass accountId or endpoint");
  const host = [accountId, jurisdiction, R2_DOMAIN].filter((part) => part !== undefined).join(".");
  const endpoint = options.endpoint ?? `https://${host}`;
  // Other servers with R2's protocol do not limit the writes to a key.
  const isCloudflare = URL.canParse(endpoint) && new URL(endpoint).hostname.endsWith(R2_DOMAIN);
  return openS3Backend(isCloudflare ? R2_PROFILE : { ...R2_PROFILE, writesPerSecondPerKey: undefined }, {
    ...rest,
    endpoint,
  });
}

/** Opens a bucket of any profile, with the wrappers that retry, pace and limit. */
export function openS3Backend(profile: S3Profile, options: S3BackendOptions): StorageBackend {
  const { profile: awsProfile, maxConcurrent = DEFAULT_MAX_CONNECTIONS, ...rest } = options;
  const op = `open ${profile.name}`;
  if (options.bucket === undefined) throw invalid(op, "bucket is missing");
  const prefix = parsePrefix(options.prefix ?? "", op);
  checkOptions(options.retry ?? DEFAULT_RETRY_POLICY, RETRY_OPTIONS, op, "retry");
  const retry = { ...DEFAULT_RETRY_POLICY, ...options.retry };
  const connection = connectS3({
    ...rest,
    profile,
    awsProfile,
    stallTimeoutMs: options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS,
    maxConnections: DEFAULT_MAX_CONNECTIONS,
    listPageSize: options.listPageSize ?? DEFAULT_LIST_PAGE_SIZE,
    retry,
  });
  const bare = bareS3Backend(connection);
  return prefixed(listedInRanges(retrying(paced(limited(bare, { maxConcurrent })), retry)), prefix);
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

/** The bare backend: one request per operation, with explained failures. */
export function bareS3Backend(connection: S3Connection): StorageBackend {
  const { bucket, profile } = connection;
  const { name } = profile;

  const backend: StorageBackend = {
    name,
    capabilities: capabilitiesOf(connection),
    url: (key: Prefix = "") => `${name}://${bucket}${key === "" ? "" : `/${key}`}`,
    async head(key, options) {
      return (await headObject(connection, key, { op: "head", path: key, signal: options?.signal })).info;
    },

    get(key, options = {}): Promise<GetResult> {
      const { range } = options;
      if (range !== undefined) checkRange(range, key, name);
      const pieceBytes = connection.pieceBytes();
      const isCut = pieceBytes !== undefined && (range === undefined || "start" in range);
      return isCut ? getInPieces(connection, key, options, pieceBytes) : getObject(connection, key, options);
    },

    put: (key, body, options = {}) => put(connection, key, body, options),
    list: (options = {}) => s3List(connection, options),
    delete: (keys, options) => s3Delete(connection, keys, options),

    copy: (from, to, options = {}) => s3Copy(connection, from, to, options),

    async close() {
      connection.close();
    },
  };
  return withAbilities(backend, {
    limitedTransfers: connection.limitedTransfers,
    resumableUploads: {
      upload: (key, body, options) => resumableUpload(connection, key, body, options),
      list: (prefix = "", options) => listUploads(connection, prefix, options),
      abort: (upload, options) => abortUpload(connection, upload, options),
    },
    directAccess: { access: connection.access },
  });
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
    // Retried here, since the caller cannot read the stream again.
    return retryOperation(connection.retry, connection.profile.name, options.signal, key, () =>
      putBytes(connection, key, head, options),
    );
  }
  const size = body instanceof Uint8Array ? body.byteLength : isReplayable(body) ? body.sizeBytes : undefined;
  return multipartUpload(connection, key, rest, size, options);
}
