import type { IncomingHttpHeaders } from "node:http";
import { childText, readXml, type XmlElement } from "./read-xml.ts";

/** What a refusal is made of. */
export interface RefusalDetails {
  /** The HTTP status. Undefined for one key of a request about many. */
  readonly status?: number | undefined;
  /** The store's word for it: `NoSuchKey`. Empty where it gave none, as to a HEAD. */
  readonly code: string;
  /** The store's own explanation. */
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** Where the bucket is, where the store says that it is elsewhere. */
  readonly region?: string | undefined;
}

/** The store answered, and not with what was asked for. Holds nothing of the request. */
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

/** Reads the refusal in an answer. */
export function refusalOf(status: number, headers: IncomingHttpHeaders, body: Buffer): S3Refusal {
  const error = errorIn(body);
  return new S3Refusal({
    status,
    code: (error && childText(error, "Code")) ?? (status === 416 ? "InvalidRange" : ""),
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
    // Something on the way answered, in HTML or in no words: the status tells.
    return undefined;
  }
}

/** A `Retry-After` in seconds, or as a date. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function headerText(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
