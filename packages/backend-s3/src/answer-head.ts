import type { IncomingHttpHeaders } from "node:http";
import type { WireRequest } from "./wire-request.ts";

/** The head of an answer. */
export interface AnswerHead {
  readonly version: "1.0" | "1.1";
  readonly statusCode: number;
  /** The headers, names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** The length of the head, in bytes. */
  readonly headBytes: number;
  /** The length of the body in bytes, or where it ends instead. */
  readonly bodyBytes: number | "after its chunks" | "with the connection";
  /** Whether the connection can be used for another request. */
  readonly keepsAlive: boolean;
}

/** The longest head, in bytes: as in Node's HTTP client. */
export const MAX_HEAD_BYTES: number = 16 * 1024;

const START = "HTTP/1.";
const END = Buffer.from("\r\n\r\n");
const STATUS = /^HTTP\/(1\.[01]) ([1-5]\d\d)(?: [^\r\n]*)?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
const SPACE_AROUND = /^[ \t]+|[ \t]+$/g;
const NOT_IN_VALUE = /[\r\n\0]/;

/** Of these headers the first one is valid if they are repeated, as in Node's HTTP client. The values of others are joined. */
const FIRST_IS_VALID: ReadonlySet<string> = new Set(["etag", "last-modified", "retry-after"]);

/** The names of headers that have been seen, and their lower case. */
const lowerNames = new Map<string, string>();
const MAX_NAMES = 200;

/** Returns the lower case of a header's name; undefined if it is none. */
function lowerName(name: string): string | undefined {
  const known = lowerNames.get(name);
  if (known !== undefined) return known;
  if (!NAME.test(name)) return undefined;
  const lower = name.toLowerCase();
  if (lowerNames.size < MAX_NAMES) lowerNames.set(name, lower);
  return lower;
}

/** Characters that cannot be part of a request's head. */
const NOT_IN_HEAD = /[^\t\x20-\x7e\x80-\xff]/;

/** Returns the head of a request; undefined if a header has characters that HTTP does not allow. */
export function headText({ method, path, headers }: WireRequest): string | undefined {
  const lines = [`${method} ${path} HTTP/1.1`];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  lines.push("connection: keep-alive");
  return lines.some((line) => NOT_IN_HEAD.test(line)) ? undefined : `${lines.join("\r\n")}\r\n\r\n`;
}

/** Whether an answer that {@link parseHead} does not take is a success all the same, or precedes another answer. */
export function isSuccess(received: Uint8Array): boolean {
  return /^HTTP\/1\.[01] [12]/.test(Buffer.from(received.subarray(0, 16)).toString("latin1"));
}

/** Parses the head of an answer. Returns undefined if it is malformed, or too long. */
export function parseHead(received: Uint8Array): AnswerHead | "incomplete" | undefined {
  const bytes = Buffer.from(
    received.buffer,
    received.byteOffset,
    Math.min(received.byteLength, MAX_HEAD_BYTES),
  );
  const end = bytes.indexOf(END);
  if (end < 0) {
    const isHead = START.startsWith(bytes.toString("latin1", 0, START.length)) && !bytes.includes("\n\n");
    return isHead && received.byteLength < MAX_HEAD_BYTES ? "incomplete" : undefined;
  }
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const [, version, status] = STATUS.exec(first) ?? [];
  if (status === undefined) return undefined;
  const statusCode = Number(status);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const lower = lowerName(line.slice(0, colon));
    const value = line.slice(colon + 1).replace(SPACE_AROUND, "");
    if (colon < 0 || lower === undefined || NOT_IN_VALUE.test(value)) return undefined;
    const before = Object.hasOwn(headers, lower) ? headers[lower] : undefined;
    if (lower === "content-length" && before !== undefined) return undefined;
    if (before === undefined) headers[lower] = value;
    else if (!FIRST_IS_VALID.has(lower)) headers[lower] = `${before}, ${value}`;
  }
  const bodyBytes = bodyLength(statusCode, headers);
  if (bodyBytes === undefined) return undefined;
  const { connection = version === "1.1" ? "keep-alive" : "close" } = headers;
  return {
    version: version === "1.1" ? version : "1.0",
    statusCode,
    headers,
    headBytes: end + END.byteLength,
    bodyBytes,
    keepsAlive: bodyBytes !== "with the connection" && /^keep-alive$/i.test(connection),
  };
}

/** Returns the length of a body (https://www.rfc-editor.org/rfc/rfc9112#section-6.3); undefined if the headers contradict each other. */
function bodyLength(
  statusCode: number,
  { "content-length": length, "transfer-encoding": coding }: IncomingHttpHeaders,
): AnswerHead["bodyBytes"] | undefined {
  if (length !== undefined && (coding !== undefined || !/^\d{1,15}$/.test(length))) return undefined;
  if (statusCode < 200 || statusCode === 204 || statusCode === 304) return 0;
  if (length !== undefined) return Number(length);
  if (coding === undefined) return "with the connection";
  return coding.toLowerCase() === "chunked" ? "after its chunks" : undefined;
}
