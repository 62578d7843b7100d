import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  isStorageError,
  type ObjectInfo,
  type Preconditions,
  type PutOptions,
  type PutResult,
  type StorageBackend,
  StorageError,
} from "@parquetry/core";
import type { HashCache } from "../content/hash-cache.ts";
import { checkLength, readContent } from "../content/read-content.ts";
import type { PlannedFile } from "../plan/migration-plan.ts";
import type { BandwidthLimiter } from "./bandwidth-limiter.ts";
import { checkMd5, createSourceBody, type SourceBody } from "./source-body.ts";

/** Files up to this size are read whole before they are sent; larger ones are streamed. In bytes. */
export const BUFFER_BYTES: number = 1024 * 1024;

/** How often a file that changes while it is read is read, before it is reported. */
export const MAX_READS = 3;

/** How often a write whose answer is lost, and which did not arrive, is made. */
const MAX_PUTS = 3;

/** The wait before it is made again is random up to this, and doubles, in milliseconds. */
const PUT_DELAY_MS = 50;

/** What {@link copyFile} works with. */
export interface CopyContext {
  /** Where the file is. */
  readonly source: StorageBackend;
  /** Where it goes. */
  readonly target: StorageBackend;
  /** Slows reading down. */
  readonly limiter?: BandwidthLimiter | undefined;
  /** Stops at once. */
  readonly signal?: AbortSignal | undefined;
  /** Remembers what was hashed on the way. */
  readonly hashCache?: HashCache | undefined;
  /** Told of bytes as they pass; negative where they have to be read again. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Told why a file is read again. */
  readonly onRetry?: ((error: StorageError) => void) | undefined;
}

/** What became of one file. */
export interface CopiedFile {
  /** How many bytes were copied: a file that grew meanwhile has more than planned. */
  readonly sizeBytes: number;
  /** Whether the target proved that it holds these bytes. False for a large object whose ETag tells nothing. */
  readonly proven: boolean;
}

/**
 * Copies one file, verbatim. It is created, or replaces exactly the version that was planned; anything else that turns up
 * under its name is left alone. A file that changes while it is read is read again, {@link MAX_READS} times at most.
 *
 * @throws StorageError of either side; `conflict` where the source keeps changing, or the target got another object of
 * that name meanwhile; `corrupt` where the bytes that arrived are not those that were sent.
 */
export async function copyFile(planned: PlannedFile, context: CopyContext): Promise<CopiedFile> {
  let file = planned;
  for (let reads = 1; ; reads++) {
    let sent = 0;
    const onBytes = (bytes: number): void => {
      sent += bytes;
      context.onBytes?.(bytes);
    };
    try {
      return await copyVersion(file, { ...context, onBytes });
    } catch (error) {
      context.onBytes?.(-sent);
      if (!isChangedSource(error)) throw error;
      if (reads === MAX_READS) throw keepsChanging(planned, context.source, reads, error);
      context.onRetry?.(error);
      const { sizeBytes, etag, md5 } = await context.source.head(file.key, { signal: context.signal });
      const { key, replaces } = file;
      file = { key, sizeBytes, etag, md5, replaces };
    }
  }
}

/** A version of the source's object that is no more: `op` tells it from a precondition of the target. */
function isChangedSource(error: unknown): error is StorageError {
  return isStorageError(error, "precondition_failed") && error.op === "get";
}

function keepsChanging(file: PlannedFile, source: StorageBackend, reads: number, cause: Error): StorageError {
  return new StorageError({
    code: "conflict",
    op: "copy",
    path: file.key,
    backend: source.name,
    attempts: reads,
    message: `copy ${source.url(file.key)}: the file changed each of the ${reads} times it was read. Run again when its writer is done.`,
    cause,
  });
}

async function copyVersion(file: PlannedFile, context: CopyContext): Promise<CopiedFile> {
  const { source, target, hashCache, signal } = context;
  const precondition: Preconditions =
    file.replaces === undefined ? { ifNoneMatch: "*" } : { ifMatch: file.replaces };
  const sent =
    file.sizeBytes <= BUFFER_BYTES
      ? await sendBuffered(file, context, { ...precondition, signal })
      : await sendStreamed(file, context, { ...precondition, signal });

  const { md5, multipartEtag, stored } = sent;
  if (md5 !== undefined) hashCache?.set(source.url(file.key), file.etag, md5);
  if (
    stored.sizeBytes !== file.sizeBytes ||
    (md5 !== undefined && stored.md5 !== undefined && stored.md5 !== md5)
  ) {
    throw arrivedWrong(target, file, `${stored.sizeBytes} bytes, MD5 ${stored.md5 ?? "unknown"}`);
  }
  const proven =
    sent.checked ||
    stored.md5 !== undefined ||
    // Found after its answer was lost: no other content has this ETag.
    (md5 !== undefined && md5 === stored.etag) ||
    (multipartEtag !== undefined && multipartEtag === stored.etag);
  if (!proven && md5 !== undefined && target.capabilities.listProves === "none") {
    // A disk proves nothing on writing; its file is in the page cache still.
    const back = await readContent(
      target,
      { key: file.key, etag: stored.etag, sizeBytes: file.sizeBytes },
      { signal },
    );
    if (back.md5 !== md5) throw arrivedWrong(target, file, `MD5 ${back.md5}`);
  }
  // What the listing will not tell about this version is noted here; a bucket's would cost a GET to learn again.
  if (md5 !== undefined && stored.md5 === undefined) {
    hashCache?.set(target.url(file.key), stored.etag, md5, target.capabilities.listProves !== "none");
  }
  return { sizeBytes: file.sizeBytes, proven: proven || target.capabilities.listProves === "none" };
}

interface Sent {
  readonly stored: PutResult;
  readonly md5: string | undefined;
  readonly multipartEtag: string | undefined;
  /** Whether the store itself checked the bytes against a hash that it was given. */
  readonly checked: boolean;
}

async function sendBuffered(file: PlannedFile, context: CopyContext, options: PutOptions): Promise<Sent> {
  const { source, target, limiter, signal } = context;
  const { body } = await source.get(file.key, { ifMatch: file.etag, signal });
  const bytes = await body.bytes();
  checkLength(source, file, bytes.byteLength);
  const md5 = createHash("md5").update(bytes).digest("hex");
  checkMd5(source, file, md5);
  // A bucket answers with the MD5 of what it stored; a disk is told what to hold the bytes against.
  const checked = target.capabilities.listProves === "none";
  const sha256 = checked ? createHash("sha256").update(bytes).digest("hex") : undefined;
  await limiter?.take(bytes.byteLength, signal);
  const stored = await putOrFind(target, file, options, md5, () =>
    target.put(file.key, bytes, { ...options, sha256 }),
  );
  context.onBytes?.(bytes.byteLength);
  return { stored, md5, multipartEtag: undefined, checked };
}

async function sendStreamed(file: PlannedFile, context: CopyContext, options: PutOptions): Promise<Sent> {
  const { source, target, limiter, signal, onBytes } = context;
  const { maxSinglePutBytes, partSizeBytes } = target.capabilities;
  const body: SourceBody = createSourceBody(source, file, {
    limiter,
    signal,
    onBytes,
    partSizeBytes: file.sizeBytes > maxSinglePutBytes ? partSizeBytes : undefined,
  });
  const put = (): Promise<PutResult> => target.put(file.key, body.body, options);
  try {
    const stored = await putOrFind(target, file, options, () => body.md5(), put);
    return { stored, md5: body.md5(), multipartEtag: body.multipartEtag(), checked: false };
  } catch (error) {
    const failure = body.failure();
    throw isChangedSource(failure) || isStorageError(failure, "not_found") ? failure : error;
  }
}

/**
 * Puts, and where the answer is "it exists already" or "nobody knows whether it was stored", looks: a store may have kept
 * a write whose answer was lost. What is there with our content has arrived; what did not arrive is put again.
 */
async function putOrFind(
  target: StorageBackend,
  file: PlannedFile,
  options: PutOptions,
  md5: string | (() => string | undefined),
  put: () => Promise<PutResult>,
  tries = 1,
): Promise<PutResult> {
  try {
    return await put();
  } catch (error) {
    const doubtful = ["already_exists", "outcome_unknown", "precondition_failed"];
    if (!isStorageError(error) || error.op === "get" || !doubtful.includes(error.code)) throw error;
    const ours = typeof md5 === "string" ? md5 : md5();
    const there = await findObject(target, file, options.signal);
    if (there !== undefined && ours !== undefined && there.sizeBytes === file.sizeBytes) {
      const theirs = there.md5 ?? (await md5OfDisk(target, there, options.signal));
      if (theirs === ours) return { etag: there.etag, sizeBytes: there.sizeBytes, md5: theirs };
    }
    if (error.code === "outcome_unknown") {
      // What is there is what was there before: the write is lost, and its precondition makes it safe to repeat.
      if (tries === MAX_PUTS || there?.etag !== file.replaces) throw error;
      const delayMs = Math.random() * PUT_DELAY_MS * 2 ** tries;
      // Where it is aborted meanwhile, the put says so in its own words.
      await sleep(delayMs, undefined, signalOption(options.signal)).catch(() => {});
      return putOrFind(target, file, options, md5, put, tries + 1);
    }
    throw new StorageError({
      code: "conflict",
      op: "copy",
      path: file.key,
      backend: target.name,
      message: `copy ${target.url(file.key)}: somebody else wrote it since the plan was made, with other content. It was left alone; run again to compare.`,
      cause: error,
    });
  }
}

function signalOption(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

async function findObject(
  target: StorageBackend,
  { key }: PlannedFile,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo | undefined> {
  try {
    return await target.head(key, { signal });
  } catch (error) {
    if (isStorageError(error, "not_found")) return undefined;
    throw error;
  }
}

async function md5OfDisk(
  target: StorageBackend,
  info: ObjectInfo,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (target.capabilities.listProves !== "none") return undefined;
  return (await readContent(target, info, { signal })).md5;
}

function arrivedWrong(target: StorageBackend, file: PlannedFile, found: string): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "put",
    path: file.key,
    backend: target.name,
    message: `put ${target.url(file.key)}: what arrived is not what was sent (${file.sizeBytes} bytes sent; ${found} stored). Run again with --force to replace it.`,
  });
}
