import { isStorageError, type StorageBackend, StorageError } from "@parquetry/core/backend";
import type { PlannedFile } from "../plan/migration-plan.ts";
import type { Arrival } from "./arrival.ts";
import { isRepeatableRead } from "./repeatable-read.ts";
import type { SendContext } from "./send-context.ts";
import { sendFile } from "./send-file.ts";

/** How often a file that changes while it is read, or arrives damaged from the source, is read before it fails. */
const MAX_READS = 3;

/** What {@link copyFile} works with. */
export interface CopyContext extends Omit<SendContext, "since"> {
  /** Called when a file is read again, with the reason. */
  readonly onRetry?: ((error: StorageError) => void) | undefined;
}

/**
 * Copies one file byte for byte. It is created, or replaces exactly the version that was planned; any other object under its
 * name is left alone. A file that changes while it is read is read again, at most {@link MAX_READS} times.
 *
 * @throws StorageError of either side; `conflict` if the source keeps changing, or if the target got another object of
 * that name in the meantime; `corrupt` if the bytes that arrived are not the ones that were sent.
 */
export async function copyFile(planned: PlannedFile, context: CopyContext): Promise<Arrival> {
  const { source, signal } = context;
  let file = withRecordedMd5(planned, context);
  for (let reads = 1; ; reads++) {
    let sent = 0;
    const onBytes = (bytes: number): void => {
      sent += bytes;
      context.onBytes?.(bytes);
    };
    try {
      return await sendFile(file, { ...context, since: Date.now(), onBytes });
    } catch (error) {
      context.onBytes?.(-sent);
      if (!isStorageError(error) || !isRepeatableRead(error)) throw error;
      const isChanged = error.code === "precondition_failed";
      if (reads === MAX_READS) throw isChanged ? keepsChanging(planned, source, reads, error) : error;
      context.onRetry?.(error);
      if (!isChanged) continue;
      const { sizeBytes, etag, md5 } = await source.head(file.key, { signal });
      file = { key: file.key, sizeBytes, etag, md5, replaces: file.replaces };
    }
  }
}

/** The file with the MD5 that was recorded for it, if a bucket's listing does not prove one. */
function withRecordedMd5(file: PlannedFile, { source, hashCache }: CopyContext): PlannedFile {
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
    message: `copy ${source.url(file.key)}: the file changed each of the ${reads} times it was read. Run again once its writer has finished.`,
    cause,
  });
}
