import { requestHeader, type S3Request } from "../http/s3-request.ts";
import { S3Error } from "../s3-error.ts";
import type { S3Profile } from "../s3-profile.ts";
import type { ObjectRecord } from "../store/object-store.ts";

/** The outcome of the conditional headers of a read. */
export type ReadVerdict = "proceed" | "not-modified" | "failed";

/** Whether a list of entity tags, quoted or not, contains this one. */
function listsEtag(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  return list.split(",").some((tag) => tag.trim().replace(/^(W\/)?"(.*)"$/, "$2") === etag);
}

/** Returns seconds since the epoch. An invalid date is ignored, as HTTP requires. */
function parseSeconds(date: string | undefined): number | undefined {
  const time = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

/**
 * Evaluates the conditional headers of a GET or HEAD, or with a prefix those of a copy's source, in the order of RFC 9110: an
 * ETag condition takes precedence over a date.
 */
export function weighRead(request: S3Request, prefix: string, record: ObjectRecord): ReadVerdict {
  const modified = Math.floor(record.lastModifiedMs / 1000);
  const ifMatch = requestHeader(request, `${prefix}if-match`);
  const unmodifiedSince = parseSeconds(requestHeader(request, `${prefix}if-unmodified-since`));
  if (ifMatch !== undefined) {
    if (!listsEtag(ifMatch, record.etag)) return "failed";
  } else if (unmodifiedSince !== undefined && modified > unmodifiedSince) {
    return "failed";
  }
  const ifNoneMatch = requestHeader(request, `${prefix}if-none-match`);
  const modifiedSince = parseSeconds(requestHeader(request, `${prefix}if-modified-since`));
  if (ifNoneMatch !== undefined) return listsEtag(ifNoneMatch, record.etag) ? "not-modified" : "proceed";
  return modifiedSince !== undefined && modified <= modifiedSince ? "not-modified" : "proceed";
}

/** A condition on the current object of a key at the moment of a write. */
export interface WriteCondition {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
}

/** Returns the condition of a write. Throws `NotImplemented` for an `If-None-Match` other than `*`, as S3 does. */
export function writeCondition(request: S3Request, prefix: string): WriteCondition {
  const ifMatch = requestHeader(request, `${prefix}if-match`);
  const ifNoneMatch = requestHeader(request, `${prefix}if-none-match`);
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== "*") {
    throw new S3Error("NotImplemented", "If-None-Match of a write must be '*'.");
  }
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new S3Error("NotImplemented", "If-Match and If-None-Match cannot be combined in a write.");
  }
  return { ...(ifMatch !== undefined && { ifMatch }), ...(ifNoneMatch !== undefined && { ifNoneMatch }) };
}

/** Throws `PreconditionFailed`, or the profile's error for a missing key, if a condition does not hold. */
export function checkWrite(
  condition: WriteCondition,
  current: ObjectRecord | undefined,
  profile: S3Profile,
): void {
  if (condition.ifNoneMatch !== undefined && current !== undefined) throw preconditionFailed("If-None-Match");
  if (condition.ifMatch === undefined) return;
  if (current === undefined) {
    if (profile.ifMatchOnMissingKey === "PreconditionFailed") throw preconditionFailed("If-Match");
    throw new S3Error("NoSuchKey", "The specified key does not exist.");
  }
  if (!listsEtag(condition.ifMatch, current.etag)) throw preconditionFailed("If-Match");
}

export function preconditionFailed(condition: string): S3Error {
  const message = `At least one of the pre-conditions you specified did not hold: ${condition}`;
  return new S3Error("PreconditionFailed", message);
}
