import { isStorageError } from "@parquetry/core/backend";
import { abortedError, retryOperation } from "@parquetry/core/unstable";
import type { Connection } from "./connection.ts";
import { parseExactJson } from "./exact-json.ts";
import { statusError, trinoError } from "./trino-error.ts";

/** The longest wait for the answer to a cancellation, which a caller does not depend on. */
const CANCEL_TIMEOUT_MS = 5_000;

/** One request. */
interface TrinoRequest {
  readonly method: "POST" | "GET" | "DELETE";
  readonly url: string;
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * Sends a request to the coordinator, again after failures that pass, and returns the JSON of the answer. Repeating is always safe:
 * Trino starts a query only when its first result is asked for, and answers a repeated request with the same page.
 *
 * @throws StorageError `unavailable`, `rate_limited`, `timeout`, `unauthenticated`, `permission_denied`, `aborted`.
 */
export async function requestJson(
  connection: Connection,
  request: TrinoRequest,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const bytes = await requestBytes(connection, request, signal, true);
  try {
    return parseExactJson(bytes.toString("utf8"));
  } catch (cause) {
    throw trinoError({
      code: "unavailable",
      retry: "never",
      message: `${hostOf(request.url)} answered with something other than Trino's JSON. Check the coordinator's URL`,
      cause,
    });
  }
}

/**
 * {@link requestJson} for any content.
 *
 * @param isJson true where a page that is not JSON cannot be Trino's.
 */
export function requestBytes(
  connection: Connection,
  request: TrinoRequest,
  signal: AbortSignal | undefined,
  isJson = false,
): Promise<Buffer> {
  return retryOperation(connection.retry, "trino", signal, hostOf(request.url), () =>
    requestOnce(connection, request, signal, isJson),
  );
}

/** Sends a request whose answer nobody depends on. */
export async function requestQuietly(connection: Connection, request: TrinoRequest): Promise<void> {
  const once = { ...connection, requestTimeoutMs: CANCEL_TIMEOUT_MS };
  await requestOnce(once, request, undefined, false).catch(() => {});
}

async function requestOnce(
  connection: Connection,
  { method, url, body, headers }: TrinoRequest,
  signal: AbortSignal | undefined,
  isJson: boolean,
): Promise<Buffer> {
  const host = hostOf(url);
  if (signal?.aborted === true) throw abortedError(signal, "sql", host, "trino");
  const timeout = AbortSignal.timeout(connection.requestTimeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const response = await fetch(url, {
      method,
      headers: {
        ...(new URL(url).origin === connection.origin ? connection.headers : {}),
        ...headers,
      },
      body: body ?? null,
      // A redirect would take the credentials along, or turn the POST into a GET.
      redirect: "manual",
      signal: either,
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw statusError(response.status, {
        host,
        isPoll: method !== "POST",
        retryAfterMs: retryAfterMs(response.headers.get("retry-after")),
      });
    }
    const type = response.headers.get("content-type");
    if (isJson && type !== null && !type.includes("json")) {
      await response.body?.cancel();
      throw trinoError({
        code: "unavailable",
        retry: "never",
        message: `${host} answered with ${type}, not with Trino's JSON. Check the coordinator's URL`,
      });
    }
    return await readBody(response, connection.maxResponseBytes, host);
  } catch (error) {
    if (isStorageError(error)) throw error;
    if (signal !== undefined && isAborted(signal)) throw abortedError(signal, "sql", host, "trino");
    if (timeout.aborted)
      throw trinoError({
        code: "timeout",
        message: `${host} did not answer within ${connection.requestTimeoutMs} ms`,
      });
    throw networkError(error, host);
  }
}

async function readBody(response: Response, maxBytes: number, host: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // The types of fetch and of node:stream/web differ in this method only.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes)
      throw trinoError({
        code: "unavailable",
        retry: "never",
        message: `${host} sent an answer of more than ${maxBytes} bytes. Raise maxResponseBytes, or select fewer columns`,
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The error of a request without an answer: no route, refused, reset, a name or a certificate that fails. */
function networkError(error: unknown, host: string): Error {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  const isCertificate = code !== undefined && /CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code);
  const remedy = isCertificate
    ? "Its certificate is not accepted: name the authority's file in NODE_EXTRA_CA_CERTS"
    : "Check the coordinator's URL, and that the cluster runs";
  return trinoError({
    code: "unavailable",
    storeCode: code,
    ...(isCertificate ? { retry: "never" as const } : {}),
    message: `${host} cannot be reached (${code ?? "no answer"}). ${remedy}`,
    cause,
  });
}

/** In a function, since the compiler takes `signal.aborted` to be false still. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** The part of a URL that errors may show. */
export function hostOf(url: string): string {
  return new URL(url).host;
}
