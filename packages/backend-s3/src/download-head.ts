import type { IncomingHttpHeaders } from "node:http";
import type { WireRequest } from "./wire-request.ts";

/** The head of an answer. */
export interface DownloadHead {
  /** 200 or 206, or that of a refusal: 300 and above. */
  readonly statusCode: number;
  /** The headers, names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** The length of the head, in bytes. */
  readonly headBytes: number;
  /** The length of the body, in bytes. Undefined for a refusal that is sent in chunks. */
  readonly bodyBytes: number | undefined;
  /** Whether the connection can be used for another request. */
  readonly keepsAlive: boolean;
}

/** The longest head, in bytes: as in Node's HTTP client. */
const MAX_HEAD_BYTES = 16 * 1024;

const START = "HTTP/1.1 ";
const END = Buffer.from("\r\n\r\n");
/** The statuses of a body and of a refusal. Others have no body, or precede another answer. */
const STATUS = /^HTTP\/1\.1 (20[06]|30[0-35-9]|[45]\d\d)(?: [^\r\n]*)?$/;
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

/** Returns the head of a request without a body; undefined if a header has characters that HTTP does not allow. */
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

/**
 * Parses the head of an answer. Returns undefined for any but a success or a refusal with one `Content-Length`, or a refusal in chunks: for
 * what else HTTP allows, there is Node's client.
 */
export function parseHead(received: Uint8Array): DownloadHead | "incomplete" | undefined {
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
  const [status = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const statusCode = Number(STATUS.exec(status)?.[1]);
  if (Number.isNaN(statusCode)) return undefined;
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
  const { "content-length": length = "", "transfer-encoding": coding } = headers;
  const isInChunks = statusCode >= 300 && length === "" && coding?.toLowerCase() === "chunked";
  if (!isInChunks && (!/^\d{1,15}$/.test(length) || coding !== undefined)) return undefined;
  return {
    statusCode,
    headers,
    headBytes: end + END.byteLength,
    bodyBytes: isInChunks ? undefined : Number(length),
    keepsAlive: headers["connection"] === undefined || /^keep-alive$/i.test(headers["connection"]),
  };
}
