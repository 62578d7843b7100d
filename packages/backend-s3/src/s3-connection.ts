import { setMaxListeners } from "node:events";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import type { Prefix, RetryPolicy, StorageError } from "@parquetry/core";
import type { IfMatchStyle } from "./conditional-headers.ts";
import { s3Failure, statusOf } from "./s3-failure.ts";
import type { S3Profile } from "./s3-profile.ts";

/** Access to a bucket. Never printed: it lives in closures, not on objects that a log could reach. */
export interface S3Credentials {
  /** The access key id. */
  readonly accessKeyId: string;
  /** The secret access key. */
  readonly secretAccessKey: string;
  /** The session token of temporary credentials. */
  readonly sessionToken?: string | undefined;
}

/** What a connection is made of. */
export interface S3ConnectionOptions {
  readonly profile: S3Profile;
  readonly bucket: string;
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
  readonly credentials?: S3Credentials | undefined;
  readonly profileName?: string | undefined;
  readonly stallTimeoutMs: number;
  readonly maxConnections: number;
  readonly listPageSize: number;
  readonly retry: RetryPolicy;
}

/** One bucket behind one client: sends commands and explains every failure. */
export interface S3Connection {
  readonly bucket: string;
  readonly profile: S3Profile;
  /** The most objects on one page of a listing. */
  readonly listPageSize: number;
  /** How what is repeated inside one operation is repeated: the parts of an upload, a conditional put. */
  readonly retry: RetryPolicy;
  /** What is known of how the server wants an ETag in `If-Match`. Learned from its answers. */
  readonly ifMatch: { style: IfMatchStyle };
  /** Sends a command. `run` gets the client and the abort option to pass on. */
  send<T>(
    op: string,
    path: Prefix,
    signal: AbortSignal | undefined,
    run: (client: S3Client, abort: AbortOption) => Promise<T>,
  ): Promise<T>;
  /** Explains a failure that came later, in the middle of a body. */
  explain(error: unknown, op: string, path: Prefix, signal: AbortSignal | undefined): StorageError;
  close(): void;
}

/** The SDK's way to pass a signal, absent where there is none. */
export type AbortOption = { readonly abortSignal?: AbortSignal };

/** How long a connection may take to be made, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Opens a connection. Nothing is sent yet. */
export function connectS3(options: S3ConnectionOptions): S3Connection {
  const { profile, bucket } = options;
  const client = new S3Client(clientConfig(options));
  const endpoint = options.endpoint === undefined ? "the endpoint of AWS S3" : new URL(options.endpoint).host;
  let reached = false;

  const explain: S3Connection["explain"] = (error, op, path, signal) => {
    if (statusOf(error) !== undefined) reached = true;
    const { name: backend, retryableStatuses } = profile;
    return s3Failure(error, { op, path, backend, bucket, endpoint, signal, reached, retryableStatuses });
  };

  return {
    bucket,
    profile,
    listPageSize: options.listPageSize,
    retry: options.retry,
    ifMatch: { style: "unknown" },
    explain,
    async send(op, path, signal, run) {
      try {
        signal?.throwIfAborted();
        // The SDK listens once a request, and hundreds are in flight under one signal.
        if (signal !== undefined) setMaxListeners(0, signal);
        const result = await run(client, signal === undefined ? {} : { abortSignal: signal });
        reached = true;
        return result;
      } catch (error) {
        throw explain(error, op, path, signal);
      }
    },
    close: () => client.destroy(),
  };
}

function clientConfig(options: S3ConnectionOptions): S3ClientConfig {
  const { profile, credentials, endpoint, stallTimeoutMs, maxConnections } = options;
  const isAws = endpoint === undefined;
  return {
    region: options.region ?? profile.defaultRegion,
    forcePathStyle: options.forcePathStyle ?? (isAws ? profile.forcePathStyle : true),
    // Retries are made in one place, by core's `retrying`.
    maxAttempts: 1,
    // The SDK's default checksums on streams fail on every server but AWS; each put carries a Content-MD5 instead, and a
    // whole-object checksum on a ranged answer makes the SDK throw.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      // Without it a stalled body hangs for ever.
      socketTimeout: stallTimeoutMs,
      httpAgent: { keepAlive: true, maxSockets: maxConnections },
      httpsAgent: { keepAlive: true, maxSockets: maxConnections },
      // Requests queue on purpose: callers decide how many are in flight.
      socketAcquisitionWarningTimeout: 2 ** 31 - 1,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(options.profileName === undefined ? {} : { profile: options.profileName }),
    ...(credentials === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.accessKeyId,
            secretAccessKey: credentials.secretAccessKey,
            ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
          },
        }),
  };
}
