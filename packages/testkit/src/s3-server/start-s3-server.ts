import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { checkOptions, invalid, type OptionKinds, oneOf } from "@parquetry/core/unstable";
import { KeyWriteRate } from "./faults/key-write-rate.ts";
import { type S3FaultRule, S3FaultScript } from "./faults/s3-fault.ts";
import { handleRequest, type ServerState } from "./http/handle-request.ts";
import { RequestCounter, type RequestCounts } from "./http/request-counter.ts";
import { isBucketName } from "./operations/bucket-operations.ts";
import { MultipartUploads } from "./operations/multipart-uploads.ts";
import { S3_PROFILES, type S3ProfileName } from "./s3-profile.ts";
import type { S3Credentials } from "./signature/signature-v4.ts";
import { DirectoryStore } from "./store/directory-store.ts";
import { MemoryStore } from "./store/memory-store.ts";

/** The key pair that a server accepts when none is given. It gives access to test servers on this machine only. */
export const TEST_CREDENTIALS: S3Credentials = {
  accessKeyId: "parquetry-test-key",
  secretAccessKey: "parquetry-test-secret",
};

/** The only address a server listens on. */
const HOST = "127.0.0.1";
/** Longer than clients keep idle connections open, so that the client closes first. */
const KEEP_ALIVE_MS = 60_000;

/** Options of {@link startS3Server}; all are optional. */
export interface S3ServerOptions {
  /** TCP port. Default 0: any free port. */
  readonly port?: number;
  /** Directory in which to store objects; created if it does not exist. By default objects are stored in memory. */
  readonly dir?: string;
  /** Buckets to create if they do not exist; none by default. */
  readonly buckets?: readonly string[];
  /** The key pair with which requests must be signed; {@link TEST_CREDENTIALS} by default. */
  readonly credentials?: S3Credentials;
  /** The region for which requests must be signed. Default `us-east-1`, or `auto` with the profile `r2`. */
  readonly region?: string;
  /** The service to imitate where S3 and R2 differ; `s3` by default. */
  readonly profile?: S3ProfileName;
  /** The initial faults; none by default. */
  readonly faults?: readonly S3FaultRule[];
  /** Writes per second that one key accepts; further ones are answered with 429. R2 accepts 1. Unlimited by default. */
  readonly writesPerSecondPerKey?: number;
  /** The server's clock, in milliseconds since the epoch; `Date.now` by default. */
  readonly now?: () => number;
}

const OPTION_KINDS: OptionKinds<S3ServerOptions> = {
  port: "whole",
  dir: "string",
  buckets: "strings",
  credentials: {
    expected: "an object with the strings accessKeyId and secretAccessKey",
    is: (value) => isKeyPair(value as Partial<S3Credentials> | null),
  },
  region: "string",
  profile: oneOf(...Object.keys(S3_PROFILES)),
  faults: "array",
  writesPerSecondPerKey: "positive",
  now: "function",
};

function isKeyPair(value: Partial<S3Credentials> | null): boolean {
  return typeof value?.accessKeyId === "string" && typeof value.secretAccessKey === "string";
}

/** A running server. */
export interface S3Server extends AsyncDisposable {
  /** The URL for path-style clients: `http://127.0.0.1:PORT`. */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly profile: S3ProfileName;
  readonly credentials: S3Credentials;
  /** Names of the existing buckets. */
  readonly buckets: readonly string[];
  /** Counts of the requests received. */
  readonly requests: RequestCounts;
  /** Replaces all fault rules and resets their counts; `[]` ends all faults. */
  setFaults(rules: readonly S3FaultRule[]): void;
  /** Stops listening, closes every connection and resolves once all resources are released. Can be called twice. */
  close(): Promise<void>;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/**
 * Starts an S3 server in this process, on 127.0.0.1 only. It verifies signatures and checksums, commits writes atomically and
 * answers as S3 or R2 does.
 *
 * @throws StorageError `invalid_argument` for an option with a wrong name or value; a system error if the port is in use
 * (`EADDRINUSE`) or the directory cannot be used.
 *
 * @example
 * ```ts
 * await using server = await startS3Server({ buckets: ["data"] });
 * const client = new S3Client({
 *   endpoint: server.endpoint,
 *   region: server.region,
 *   credentials: server.credentials,
 *   forcePathStyle: true,
 * });
 * ```
 */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  checkOptions(options, OPTION_KINDS, "startS3Server");
  const profile = S3_PROFILES[options.profile ?? "s3"];
  const region = options.region ?? profile.defaultRegion;
  const credentials = options.credentials ?? TEST_CREDENTIALS;
  const counter = new RequestCounter();
  const nowMs = options.now ?? Date.now;
  const wrongName = options.buckets?.find((name) => !isBucketName(name));
  if (wrongName !== undefined) {
    throw invalid(
      "startS3Server",
      `"${wrongName}" is not a bucket name, expected 3 to 63 lower-case letters, digits, "-" and "."`,
    );
  }
  const store = options.dir === undefined ? new MemoryStore() : new DirectoryStore(options.dir);
  for (const name of options.buckets ?? []) {
    if (store.bucket(name) === undefined) store.createBucket({ name, createdAtMs: nowMs() });
  }
  const state: ServerState = {
    store,
    uploads: new MultipartUploads(),
    profile,
    region,
    credentials,
    counter,
    nowMs,
    writeRate: new KeyWriteRate(options.writesPerSecondPerKey ?? Number.POSITIVE_INFINITY, nowMs),
    script: new S3FaultScript(options.faults ?? [], "startS3Server"),
    requestNumber: 0,
  };
  const working = new Set<Promise<void>>();
  const serve = (incoming: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    const work = handleRequest(state, incoming, response, expectsContinue);
    working.add(work);
    void work.then(() => working.delete(work));
  };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
  server.on("request", (incoming, response) => serve(incoming, response, false));
  server.on("checkContinue", (incoming, response) => serve(incoming, response, true));
  const port = await listen(server, options.port ?? 0);
  let closing: Promise<void> | undefined;
  const closeOnce = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await closed;
    await Promise.all(working);
    await store.close();
  };
  const close = (): Promise<void> => {
    closing ??= closeOnce();
    return closing;
  };
  return {
    endpoint: `http://${HOST}:${port}`,
    port,
    region,
    profile: profile.name,
    credentials,
    requests: counter,
    get buckets(): readonly string[] {
      return store.buckets().map((bucket) => bucket.name);
    },
    setFaults(rules) {
      state.script = new S3FaultScript(rules);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
