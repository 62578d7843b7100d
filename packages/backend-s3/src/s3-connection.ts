import { hash } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import {
  collectBytes,
  type Key,
  type OperationOptions,
  type Prefix,
  type RetryPolicy,
  StorageError,
} from "@parquetry/core/backend";
import {
  type LimitedTransfers,
  type ObjectAccess,
  type TransferLimits,
  unlessAborted,
} from "@parquetry/core/unstable";
import type { S3Place } from "./aws-client.ts";
import type { S3Credentials } from "./aws-credentials.ts";
import { createHttpExchange, drainAnswer, type HttpExchange, readAnswer } from "./http-exchange.ts";
import type { RawAnswer } from "./raw-socket.ts";
import { readXml, type XmlElement } from "./read-xml.ts";
import { type AccessOptions, objectAccess, s3Access } from "./s3-access.ts";
import { pathOf } from "./s3-address.ts";
import { s3Failure } from "./s3-failure.ts";
import type { S3Profile } from "./s3-profile.ts";
import { refusalOf, S3Refusal } from "./s3-refusal.ts";
import { createSigner, type RequestSigner } from "./sign-request.ts";
import { encodeQuery } from "./uri-encoding.ts";
import type { WireRequest } from "./wire-request.ts";

/** Options of {@link connectS3}. */
export interface S3ConnectionOptions extends AccessOptions {
  readonly stallTimeoutMs: number;
  readonly maxConnections: number;
  readonly listPageSize: number;
  readonly retry: RetryPolicy;
}

/** A request of the S3 API to a key or to the bucket. */
export interface S3Request {
  readonly method: "DELETE" | "GET" | "HEAD" | "POST" | "PUT";
  readonly key?: Key | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Names in lower case. All of them are signed. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  /** The SHA-256 of the body in hex, or `UNSIGNED-PAYLOAD`. Default: computed. */
  readonly payloadHash?: string | undefined;
  /** Whether the store copies or joins large objects for it, which can take long without a sign of life. Default false. */
  readonly isHeavy?: boolean | undefined;
  /** The most bytes that the body of the answer has, if that is known. */
  readonly expectedBytes?: number | undefined;
}

/** The operation that a request belongs to, for errors. */
export interface S3Purpose {
  /** The operation of the byte contract. */
  readonly op: string;
  readonly path: Prefix;
  readonly signal?: AbortSignal | undefined;
}

/** How a server expects the ETag in `If-Match`: quoted, as HTTP says, or plain. Unknown until a request has succeeded. */
export type IfMatchStyle = "unknown" | "quoted" | "plain";

/** Sends signed requests to one bucket, and explains their failures. */
export interface S3Connection {
  readonly bucket: string;
  readonly profile: S3Profile;
  /** The most objects on one page of a listing. */
  readonly listPageSize: number;
  /** For retries inside one operation: of the parts of an upload, and of a conditional put. */
  readonly retry: RetryPolicy;
  /** The form of `If-Match` that the server expects, as learned from its answers. */
  readonly ifMatch: { style: IfMatchStyle };
  /** Returns how another program reads the bucket. @throws StorageError `unauthenticated` without credentials. */
  access(options?: OperationOptions): Promise<ObjectAccess>;
  /** Sends a request and returns the headers of the answer. */
  send(purpose: S3Purpose, request: S3Request): Promise<IncomingHttpHeaders>;
  /** Sends a request and reads the XML of the answer. An error under status 200 is thrown as well. */
  sendForXml(purpose: S3Purpose, request: S3Request): Promise<XmlElement>;
  /** Sends a request and returns the answer, whose body must be read or destroyed. */
  open(purpose: S3Purpose, request: S3Request): Promise<IncomingMessage>;
  /**
   * Sends a request for a large body, which must be read or destroyed. Returns undefined where {@link S3Connection.open} has to be
   * used: the bandwidth is limited, or the answer is framed in an unusual way.
   */
  download(purpose: S3Purpose, request: S3Request): Promise<RawAnswer | undefined>;
  /** Limits the bandwidth. */
  readonly limitedTransfers: LimitedTransfers;
  /** The most bytes of an object to request at once, if the bandwidth is limited. */
  pieceBytes(): number | undefined;
  /** Explains a failure that occurred later, while the body was read. */
  explain(error: unknown, purpose: S3Purpose): StorageError;
  close(): void;
}

/** Bodies of up to this size, in bytes, are sent without Node's HTTP client: for larger ones, it takes a small part of the time. */
const SMALL_BODY_BYTES = 256 * 1024;

const NO_BODY_HASH: string = hash("sha256", "", "hex");

/** A clock that differs by more than this, in milliseconds, is corrected. S3 refuses 15 minutes. */
const MAX_SKEW_MS = 5 * 60_000;

/** The factor by which the stall timeout is longer for heavy requests. */
const HEAVY_PATIENCE = 10;

/** How much of an object is requested at once under a limit, at least and at most, in bytes. */
const MIN_PIECE_BYTES = 8 * 1024;
const MAX_PIECE_BYTES = 1024 * 1024;

/** The place of the bucket, and what sends and signs its requests. */
interface S3Route {
  readonly place: S3Place;
  readonly exchange: HttpExchange;
  readonly sign: RequestSigner;
}

/** Opens a connection. Nothing is sent yet. */
export function connectS3(options: S3ConnectionOptions): S3Connection {
  const { profile, bucket, stallTimeoutMs, maxConnections } = options;
  const access = s3Access(options);
  /** How far the server's clock is ahead of this machine's, in milliseconds. */
  let skewMs = 0;
  let reached = false;
  let isClosed = false;
  let route: S3Route | undefined;
  /** How often each limit was applied and not ended. */
  const limits = new Map<TransferLimits, number>();

  const openRoute = (place: S3Place): S3Route => {
    if (isClosed) throw closed("open", "", profile.name);
    const { address, region, service } = place;
    route ??= {
      place,
      exchange: createHttpExchange({ address, maxConnections, limits }),
      sign: createSigner(address.host, region, service),
    };
    return route;
  };
  const place = access.place();
  if (!(place instanceof Promise)) openRoute(place);

  const explain: S3Connection["explain"] = (error, { op, path, signal }) => {
    if (error instanceof S3Refusal) reached = true;
    const { name: backend, retryableStatuses } = profile;
    const endpoint = route?.place.address.host ?? "AWS";
    const region = route?.place.region ?? "";
    return s3Failure(error, {
      ...{ op, path, backend, bucket, endpoint, region, signal, reached, retryableStatuses },
    });
  };

  const signed = (
    { place: { address }, sign }: S3Route,
    request: S3Request,
    known: S3Credentials,
    signal: AbortSignal | undefined,
  ): WireRequest => {
    const { method, key = "", body, headers, isHeavy = false, expectedBytes } = request;
    const path = pathOf(address, key);
    const query = request.query === undefined ? "" : encodeQuery(request.query);
    const payloadHash =
      request.payloadHash ?? (body === undefined ? NO_BODY_HASH : hash("sha256", body, "hex"));
    const now = new Date(Date.now() + skewMs);
    const sent = sign({ method, path, query, headers, payloadHash }, known, now);
    if (method === "PUT" || method === "POST") sent.push("content-length", String(body?.byteLength ?? 0));
    sent.push("user-agent", "parquetry");
    return {
      method,
      path: query === "" ? path : `${path}?${query}`,
      headers: sent,
      body,
      stallTimeoutMs: isHeavy ? stallTimeoutMs * HEAVY_PATIENCE : stallTimeoutMs,
      isHeavy,
      expectedBytes,
      signal,
    };
  };

  const sendOnce = <T>(
    request: S3Request,
    signal: AbortSignal | undefined,
    send: (exchange: HttpExchange, wire: WireRequest) => Promise<T>,
  ): Promise<T> => {
    const known = access.credentials();
    if (route !== undefined && !(known instanceof Promise))
      return send(route.exchange, signed(route, request, known, signal));
    const found = Promise.all([route?.place ?? access.place(), known]);
    return unlessAborted(found, signal).then(([place, loaded]) => {
      const opened = openRoute(place);
      return send(opened.exchange, signed(opened, request, loaded, signal));
    });
  };

  /** Sends a request, and a second time if the store refused it for this machine's clock. Throws any other refusal. */
  const sendUntilAnswered = async <T extends IncomingMessage | RawAnswer | undefined>(
    request: S3Request,
    signal: AbortSignal | undefined,
    send: (exchange: HttpExchange, wire: WireRequest) => Promise<T>,
  ): Promise<T> => {
    for (let isSecond = false; ; isSecond = true) {
      const signedWithMs = skewMs;
      const answer = await sendOnce(request, signal, send);
      if (answer === undefined) return answer;
      const { statusCode: status = 0, headers } = answer;
      reached = true;
      if (status >= 200 && status < 300) return answer;
      const refusal = refusalOf(status, headers, Buffer.from(await collectBytes(answer)));
      // Refused for the time in its signature, so it had no effect.
      const aheadMs = status === 403 ? Date.parse(headers.date ?? "") - Date.now() : Number.NaN;
      if (isSecond || !(Math.abs(aheadMs - signedWithMs) > MAX_SKEW_MS)) throw refusal;
      skewMs = aheadMs;
    }
  };

  const answered = (request: S3Request, signal: AbortSignal | undefined): Promise<IncomingMessage> =>
    sendUntilAnswered(request, signal, (exchange, wire) => exchange.send(wire));

  const answeredRaw = (request: S3Request, signal: AbortSignal | undefined): Promise<RawAnswer | undefined> =>
    sendUntilAnswered(request, signal, (exchange, wire) => exchange.sendRaw(wire));

  const attempt = async <T>(
    purpose: S3Purpose,
    run: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> => {
    const { op, path, signal } = purpose;
    try {
      if (isClosed) throw closed(op, path, profile.name);
      signal?.throwIfAborted();
      return await run(signal);
    } catch (error) {
      throw explain(error, purpose);
    }
  };

  return {
    bucket,
    profile,
    listPageSize: options.listPageSize,
    retry: options.retry,
    ifMatch: { style: "unknown" },
    async access({ signal } = {}) {
      try {
        const found = Promise.all([access.place(), access.credentials()]);
        const [place, credentials] = await unlessAborted(found, signal);
        return objectAccess(place, credentials, bucket, profile.name);
      } catch (error) {
        throw explain(error, { op: "access", path: "", signal });
      }
    },
    limitedTransfers: {
      limit(added) {
        // Both ends of a copy may be in one bucket.
        limits.set(added, (limits.get(added) ?? 0) + 1);
        let isOver = false;
        return () => {
          if (isOver) return;
          isOver = true;
          const rest = (limits.get(added) ?? 1) - 1;
          if (rest === 0) limits.delete(added);
          else limits.set(added, rest);
        };
      },
    },
    pieceBytes() {
      if (limits.size === 0) return undefined;
      const slices = [...limits.keys()].map(({ download }) => download.sliceBytes);
      return Math.min(MAX_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, Math.min(...slices)));
    },
    explain,
    send: (purpose, request) =>
      attempt(purpose, async (signal) => {
        const { body, isHeavy = false } = request;
        const isSmall = body !== undefined && body.byteLength <= SMALL_BODY_BYTES && !isHeavy;
        const whole = isSmall ? await answeredRaw(request, signal) : undefined;
        return whole?.headers ?? drainAnswer(await answered(request, signal));
      }),
    sendForXml: (purpose, request) =>
      attempt(purpose, async (signal) => {
        const answer = await answered(request, signal);
        const body = await readAnswer(answer);
        const root = readXml(body.toString("utf8"));
        // A store that has started to answer can no longer change the status.
        if (root.name === "Error") throw refusalOf(answer.statusCode ?? 200, answer.headers, body);
        return root;
      }),
    open: (purpose, request) => attempt(purpose, (signal) => answered(request, signal)),
    download: (purpose, request) => attempt(purpose, (signal) => answeredRaw(request, signal)),
    close() {
      isClosed = true;
      route?.exchange.close();
    },
  };
}

function closed(op: string, path: Prefix, backend: string): StorageError {
  return new StorageError({
    ...{ code: "invalid_argument", op, path, backend },
    message: `${op} ${path}: this backend is closed. Open another one.`,
  });
}
