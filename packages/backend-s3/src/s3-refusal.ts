import type { IncomingHttpHeaders } from "node:http";
import { childText, readXml, type XmlElement } from "./read-xml.ts";

/** The properties of an {@link S3Refusal}. */
export interface RefusalDetails {
  /** The HTTP status. Undefined for a single key of a batch. */
  readonly status?: number | undefined;
  /** The store's error code, such as `NoSuchKey`. Empty if there is none, as in the answer to a HEAD. */
  readonly code: string;
  /** The store's message. */
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** The region of the bucket, if the store reports that it is another one. */
  readonly region?: string | undefined;
}

/** Thrown when the store refuses a request. Holds nothing of the request. */
export class S3Refusal extends Error {
  override readonly name = "S3Refusal";
  readonly status: number | undefined;
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  readonly region: string | undefined;

  constructor({ status, code, message, retryAfterMs, region }: RefusalDetails) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    this.region = region;
  }
}

/** The error code of a status that has only one meaning, for an answer without a code. */
const CODE_OF_STATUS: Readonly<Record<number, string>> = { 416: "InvalidRange", 507: "InsufficientStorage" };

/** Reads the error in an answer. */
export function refusalOf(status: number, headers: IncomingHttpHeaders, body: Buffer): S3Refusal {
  const error = errorIn(body);
  return new S3Refusal({
    status,
    code: (error && childText(error, "Code")) ?? CODE_OF_STATUS[status] ?? "",
    message: (error && childText(error, "Message")) ?? `HTTP ${status}`,
    retryAfterMs: retryAfterMs(headers["retry-after"]),
    region: headerText(headers["x-amz-bucket-region"]) ?? (error && childText(error, "Region")),
  });
}

function errorIn(body: Buffer): XmlElement | undefined {
  try {
    const root = readXml(body.toString("utf8"));
    return root.name === "Error" ? root : undefined;
  } catch {
    // A proxy answered, in HTML or without a body, so only the status is known.
    return undefined;
  }
}

/** Parses a `Retry-After`, which is a number of seconds or a date. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function headerText(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
