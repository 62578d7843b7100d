import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
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

/**
 * The key pair a server takes when none is given. It opens nothing but test servers on this machine.
 *
 * @example
 * new S3Client({ credentials: TEST_CREDENTIALS, … });
 */
export const TEST_CREDENTIALS: S3Credentials = {
  accessKeyId: "parquetry-test-key",
  secretAccessKey: "parquetry-test-secret",
};

/** The only address a server listens on. */
const HOST = "127.0.0.1";
/** How long an idle connection is kept, longer than clients keep theirs, so that they are the ones to close. */
const KEEP_ALIVE_MS = 60_000;

/** How to start a server; everything has a default. */
export interface S3ServerOptions {
  /** TCP port; 0, the default, takes a free one. */
  readonly port?: number;
  /** Directory to keep objects in, made when it is missing. Without one they are kept in memory. */
  readonly dir?: string;
  /** Buckets to create unless they exist; none by default. */
  readonly buckets?: readonly string[];
  /** The key pair requests must be signed with; {@link TEST_CREDENTIALS} by default. */
  readonly credentials?: S3Credentials;
  /** Region requests must be signed for; by default `us-east-1`, and `auto` with the profile `r2`. */
  readonly region?: string;
  /** Service to imitate where services differ; `s3` by default. */
  readonly profile?: S3ProfileName;
  /** Faults from the start; none by default. */
  readonly faults?: readonly S3FaultRule[];
  /** How often one key may be written per second, more being answered with 429, as R2 does (1); by default nobody counts. */
  readonly writesPerSecondPerKey?: number;
  /** Clock, in milliseconds since the epoch; `Date.now` by default. */
  readonly now?: () => number;
}

/** A server that listens. */
export interface S3Server extends AsyncDisposable {
  /** URL for path-style clients: `http://127.0.0.1:PORT`. */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly profile: S3ProfileName;
  readonly credentials: S3Credentials;
  /** Names of the buckets there are now. */
  readonly buckets: readonly string[];
  /** What the server has been asked for. */
  readonly requests: RequestCounts;
  /** Replaces all fault rules, and starts their counts anew; `[]` ends all faults. */
  setFaults(rules: readonly S3FaultRule[]): void;
  /** Stops listening, ends every connection, and resolves when nothing is left open. Safe to call twice. */
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
 * Starts an S3 server in this process, on 127.0.0.1 only. It checks signatures and checksums, commits writes
 * atomically, and answers as S3 or R2 do, so that what works against it works against them. Rejects when the
 * port is taken (`EADDRINUSE`), the directory cannot be used, or a bucket's name is not valid.
 *
 * @example
 * await using server = await startS3Server({ buckets: ["data"] });
 * const client = new S3Client({
 *   endpoint: server.endpoint,
 *   region: server.region,
 *   credentials: server.credentials,
 *   forcePathStyle: true,
 * });
 */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const profile = S3_PROFILES[options.profile ?? "s3"];
  const region = options.region ?? profile.defaultRegion;
  const credentials = options.credentials ?? TEST_CREDENTIALS;
  const counter = new RequestCounter();
  const nowMs = options.now ?? Date.now;
  const wrongName = options.buckets?.find((name) => !isBucketName(name));
  if (wrongName !== undefined) {
    throw new RangeError(
      `"${wrongName}" is not a bucket name: 3 to 63 lower-case letters, digits, "-" and "." are.`,
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
    script: new S3FaultScript(options.faults ?? []),
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
