import { type StorageBackend, StorageError } from "@parquetry/core/backend";
import type { PlannedFile } from "../plan/migration-plan.ts";
import type { HashCache } from "../proof/hash-cache.ts";
import { readContent } from "../proof/read-content.ts";
import { isChangedSource, isDamagedRead, type SendContext, sendFile } from "./send-file.ts";

/** How often a file that changes while it is read, or is damaged on the way, is read, before it is reported. */
export const MAX_READS = 3;

/** What {@link copyFile} works with. */
export interface CopyContext extends SendContext {
  /** Remembers what was hashed on the way. */
  readonly hashCache?: HashCache | undefined;
  /** Told why a file is read again. */
  readonly onRetry?: ((error: StorageError) => void) | undefined;
}

/** What became of one file. */
export interface CopiedFile {
  /** How many bytes were copied: a file that grew meanwhile has more than planned. */
  readonly sizeBytes: number;
  /** Whether both sides proved that they hold these bytes. False for a large object whose ETag tells nothing. */
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
  let file = withNotedMd5(planned, context);
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
      if (isDamagedRead(error) && reads < MAX_READS) {
        context.onRetry?.(error);
        continue;
      }
      if (!isChangedSource(error)) throw error;
      if (reads === MAX_READS) throw keepsChanging(planned, context.source, reads, error);
      context.onRetry?.(error);
      const { sizeBytes, etag, md5 } = await context.source.head(file.key, { signal: context.signal });
      const { key, replaces } = file;
      file = { key, sizeBytes, etag, md5, replaces };
    }
  }
}

/** What a listing does not tell of a bucket's object may have been noted here. */
function withNotedMd5(file: PlannedFile, { source, hashCache }: CopyContext): PlannedFile {
  if (file.md5 !== undefined || source.capabilities.listProves === "none") return file;
  return { ...file, md5: hashCache?.get(source.url(file.key), file.etag) };
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
  const sent = await sendFile(file, context);
  const { md5, multipartEtag, stored } = sent;
  if (md5 !== undefined && sent.isSourceProven) hashCache?.set(source.url(file.key), file.etag, md5);
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
  // So is what goes against an earlier note: the same content has the same ETag, damaged or not.
  const url = target.url(file.key);
  if (md5 !== undefined && (hashCache?.get(url, stored.etag) ?? stored.md5) !== md5) {
    hashCache?.set(url, stored.etag, md5, target.capabilities.listProves !== "none");
  }
  const isHere = proven || target.capabilities.listProves === "none";
  return { sizeBytes: file.sizeBytes, proven: isHere && sent.isSourceProven };
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
