import { isStorageError, parseKey, type UploadState } from "@parquetry/core/backend";
import type { UploadedPart } from "@parquetry/core/unstable";

/** An upload in parts that this machine has started and not finished. */
export interface UploadRecord {
  /** The URL of the object, which identifies the record. */
  readonly url: string;
  /** The key at the target. */
  readonly key: string;
  /** The version of the source's file. */
  readonly etag: string;
  /** When it was started, in milliseconds since 1970. */
  readonly begunAt: number;
  /** The parts that have arrived; absent if it is unknown whether the store has started the upload. */
  readonly state?: UploadState | undefined;
}

/** The most parts of an upload, and the most bytes of a part, that S3 and R2 accept. */
const MAX_PARTS = 10_000;
const MAX_PART_BYTES = 5 * 1024 ** 3;
/** Names, ETags and identifiers of stores are shorter. */
const MAX_TEXT = 4096;
/** A clock that was set back since may leave a time in the future; this far is a mistake. */
const MAX_AHEAD_MS = 366 * 24 * 3600 * 1000;

/** A record as it was read: with its state only if that is possible, and with what is wrong with it. */
export interface ReadRecord {
  readonly record?: UploadRecord | undefined;
  readonly problem?: string | undefined;
}

/** Reads a record of an unfinished upload, which anything may have happened to since it was written. */
export function readUploadRecord(text: string): ReadRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "it is not JSON" };
  }
  if (!isObject(value)) return { problem: "it is not an object" };
  const { url, key, etag, begunAt, state } = value;
  if (!isText(url)) return { problem: `its url is ${show(url)}` };
  if (!isKey(key)) return { problem: `its key is ${show(key)}` };
  if (!isText(etag)) return { problem: `its etag is ${show(etag)}` };
  if (!isWhole(begunAt, 0, Date.now() + MAX_AHEAD_MS)) return { problem: `its time is ${show(begunAt)}` };
  const record = { url, key, etag, begunAt };
  if (state === undefined) return { record };
  const problem = explainState(state, key);
  // Every field has been checked.
  return problem === undefined ? { record: { ...record, state: state as UploadState } } : { record, problem };
}

/** Returns what is impossible about the state of an upload of a key, or undefined. */
function explainState(state: unknown, key: string): string | undefined {
  if (!isObject(state)) return `its state is ${show(state)}`;
  const { sizeBytes, partSizeBytes, asked, parts } = state;
  // The state has the name in the bucket, which a prefix may precede.
  if (!isKey(state["key"]) || !`/${state["key"]}`.endsWith(`/${key}`))
    return `its upload is of ${show(state["key"])}`;
  for (const name of ["uploadId", "writeId"])
    if (!isText(state[name])) return `its ${name} is ${show(state[name])}`;
  if (!isWhole(sizeBytes, 1)) return `its size is ${show(sizeBytes)}`;
  if (!isWhole(partSizeBytes, 1, MAX_PART_BYTES) || sizeBytes / partSizeBytes > MAX_PARTS)
    return `its part size is ${show(partSizeBytes)}`;
  if (asked !== undefined && !isWhole(asked, 1)) return `its number of requests is ${show(asked)}`;
  if (!Array.isArray(parts)) return `its parts are ${show(parts)}`;
  const count = Math.ceil(sizeBytes / partSizeBytes);
  let last = 0;
  for (const part of parts as readonly unknown[]) {
    if (!isPart(part)) return `it has the part ${show(part)}`;
    if (part.number <= last || part.number > count)
      return `part ${part.number} comes after part ${last} of ${count}`;
    last = part.number;
  }
  return undefined;
}

function isPart(value: unknown): value is UploadedPart {
  if (!isObject(value)) return false;
  const { number, etag, md5 } = value;
  return (
    isWhole(number, 1, MAX_PARTS) && isText(etag) && typeof md5 === "string" && /^[0-9a-f]{32}$/.test(md5)
  );
}

function isKey(value: unknown): value is string {
  if (typeof value !== "string") return false;
  try {
    parseKey(value);
    return true;
  } catch (error) {
    if (isStorageError(error)) return false;
    throw error;
  }
}

/** Whether it is a short text without control characters. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_TEXT && !/\p{Cc}/u.test(value);
}

function isWhole(value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
