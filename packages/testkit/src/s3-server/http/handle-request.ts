import type { IncomingMessage, ServerResponse } from "node:http";
import { ActiveFaults } from "../faults/active-faults.ts";
import type { KeyWriteRate } from "../faults/key-write-rate.ts";
import { FAULT_CODES, type S3Fault, type S3FaultScript } from "../faults/s3-fault.ts";
import type { MultipartUploads } from "../operations/multipart-uploads.ts";
import { OPERATIONS } from "../operations/operations.ts";
import { S3Error } from "../s3-error.ts";
import type { S3Profile } from "../s3-profile.ts";
import { authenticate } from "../signature/authenticate.ts";
import type { S3Credentials } from "../signature/signature-v4.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { xmlErrorDocument } from "../xml/xml-writer.ts";
import type { Exchange } from "./exchange.ts";
import { ClientGone, receivePayload, type WireTap } from "./receive-payload.ts";
import type { RequestCounter } from "./request-counter.ts";
import type { S3Reply } from "./s3-reply.ts";
import { checkKeyLength, parseRequest, refuseUnsupportedHeaders, type S3Request } from "./s3-request.ts";
import { sendReply } from "./send-reply.ts";

/** The state that all requests to a server share. */
export interface ServerState {
  readonly store: ObjectStore;
  readonly uploads: MultipartUploads;
  readonly profile: S3Profile;
  readonly region: string;
  readonly credentials: S3Credentials;
  readonly counter: RequestCounter;
  /** The clock, in milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly writeRate: KeyWriteRate;
  /** Replaced as a whole by `setFaults`. */
  script: S3FaultScript;
  /** Number of requests so far, for request IDs. */
  requestNumber: number;
}

function statusFault(fault: Extract<S3Fault, { readonly kind: "status" }>): S3Error {
  const { status, retryAfterSeconds } = fault;
  const headers = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  return new S3Error(FAULT_CODES[status], `Injected fault: status ${status}.`, headers);
}

/** Applies the faults to a request's body. */
function requestTap(incoming: IncomingMessage, faults: ActiveFaults): WireTap | undefined {
  if (faults.none) return undefined;
  const total = Number(
    incoming.headers["content-length"] ?? incoming.headers["x-amz-decoded-content-length"] ?? 0,
  );
  return async (chunk, offset) => {
    await faults.pace(chunk.length);
    if (faults.resets("during") && offset + chunk.length >= total / 2) {
      incoming.socket.resetAndDestroy();
      throw new ClientGone("Injected fault: reset during the request's body.");
    }
    return faults.flip(chunk, offset, total);
  };
}

function errorReply(error: S3Error, request: S3Request | undefined, requestId: string): S3Reply {
  const { code, message, status, headers } = error;
  if (request?.method === "HEAD" || status === 304) return { status, headers };
  const resource = request === undefined ? "/" : `/${request.bucket}/${request.key}`;
  return {
    status,
    headers: { ...headers, "content-type": "application/xml" },
    body: xmlErrorDocument({ code, message, resource, requestId }),
  };
}

/** Converts any failure to the error of a reply. An unexpected one is an internal error with its stack, for the test's log. */
function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  return new S3Error(
    "InternalError",
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
}

/** Shared by all requests, because an error per request would cost its stack trace. */
const CLIENT_GONE = new ClientGone("The client closed the connection.");

/** Authenticates a request and runs its operation. */
async function perform(
  state: ServerState,
  request: S3Request,
  faults: ActiveFaults,
  receive: Exchange["receive"],
): Promise<S3Reply> {
  const { credentials, profile, region } = state;
  const nowMs = state.nowMs() + (faults.find("clock-skew")?.ms ?? 0);
  const latency = faults.find("latency");
  if (latency !== undefined) await faults.wait(latency.ms);
  const status = faults.find("status");
  if (status !== undefined) throw statusFault(status);
  const regions = [region, ...profile.regionAliases];
  const signature = authenticate(request, { credentials, regions, nowMs });
  refuseUnsupportedHeaders(request, profile);
  checkKeyLength(request.key);
  const exchange: Exchange = {
    request,
    signature,
    store: state.store,
    uploads: state.uploads,
    profile,
    region,
    nowMs: state.nowMs,
    maxListKeys: faults.find("short-pages")?.maxKeys ?? Number.POSITIVE_INFINITY,
    keyFault: (key) => {
      const fault = state.script.nextDeleted(key).find(({ kind }) => kind === "status");
      return fault?.kind === "status" ? statusFault(fault) : undefined;
    },
    receive,
  };
  return await state.writeRate.hold(request, async () => OPERATIONS[request.operation](exchange));
}

/**
 * Answers one HTTP request. Never rejects: every failure becomes an error reply or, once the reply has begun, a closed
 * connection. A client that disconnects is not a failure.
 */
export async function handleRequest(
  state: ServerState,
  incoming: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  const { counter, profile } = state;
  const gone = new AbortController();
  const abandon = (): void => {
    // After a complete reply a close is normal.
    if (!response.writableFinished) gone.abort(CLIENT_GONE);
  };
  response.once("close", abandon).on("error", abandon);
  state.requestNumber += 1;
  const requestId = state.requestNumber.toString(16).toUpperCase().padStart(16, "0");
  let request: S3Request | undefined;
  let parseError: unknown;
  try {
    request = parseRequest(incoming, profile);
  } catch (error) {
    parseError = error;
  }
  const operation = request?.operation ?? "Unsupported";
  counter.begin(operation);
  const faults = new ActiveFaults(state.script.next(operation, request?.key ?? ""), gone.signal);
  let continueSent = !expectsContinue;
  let requestHadBody = false;
  const receive: Exchange["receive"] = (options) => {
    if (!continueSent) response.writeContinue();
    continueSent = true;
    requestHadBody = options.plan.size > 0;
    const tap = requestTap(incoming, faults);
    const onWire = (bytes: number): void => {
      counter.bytesIn += bytes;
    };
    return receivePayload({ ...options, incoming, onWire, ...(tap && { tap }) });
  };
  try {
    if (faults.resets("before")) {
      incoming.socket.resetAndDestroy();
      return;
    }
    let reply: S3Reply;
    try {
      if (request === undefined) throw parseError;
      reply = await perform(state, request, faults, receive);
    } catch (error) {
      if (error instanceof ClientGone || gone.signal.aborted) return;
      reply = errorReply(toS3Error(error), request, requestId);
    }
    const skewMs = faults.find("clock-skew")?.ms ?? 0;
    response.setHeader("date", new Date(state.nowMs() + skewMs).toUTCString());
    response.setHeader("x-amz-request-id", requestId);
    await sendReply(reply, {
      response,
      faults,
      signal: gone.signal,
      isHead: incoming.method === "HEAD",
      requestHadBody,
      onBody: (bytes) => {
        counter.bytesOut += bytes;
      },
    });
  } catch {
    // The reply has begun and cannot be completed; closing the connection is the only way left to report it.
    response.socket?.destroy();
  } finally {
    counter.end();
  }
}
