import { isStorageError, type Key, parseKey, type StorageBackend } from "@parquetry/core/backend";
import type { MigrationPlan } from "../plan/migration-plan.ts";
import { endUpload, recordsFor, uploadsOf } from "./unfinished-uploads.ts";
import type { UploadJournal } from "./upload-journal.ts";

/** Options of {@link endStaleUploads}. */
export interface EndStaleUploadsOptions {
  /** What this machine began. Without it nothing is ended: uploads of others are theirs. */
  readonly journal?: UploadJournal | undefined;
  /** Whether this run is about a key: those of another shard may be under way. */
  isSelected(key: Key): boolean;
  /** Stops. */
  readonly signal?: AbortSignal | undefined;
  /** Told of each that was ended. */
  readonly onEnded?: ((key: Key) => void) | undefined;
}

/**
 * Ends the uploads that this machine left at the target and that no planned file goes on with: its file has arrived in
 * another way, or is no longer there.
 */
export async function endStaleUploads(
  target: StorageBackend,
  plan: Pick<MigrationPlan, "files">,
  { journal, isSelected, signal, onEnded }: EndStaleUploadsOptions,
): Promise<void> {
  const uploads = uploadsOf(target);
  if (journal === undefined || uploads === undefined) return;
  const stale = new Map(
    recordsFor(target, journal)
      .filter(({ key }) => isSelected(parseKey(key)))
      .map((record) => [record.key, record]),
  );
  if (stale.size === 0) return;
  for await (const { key } of plan.files) stale.delete(key);
  for (const record of stale.values()) {
    try {
      await endUpload(uploads, journal, record, signal);
      onEnded?.(parseKey(record.key));
    } catch (error) {
      // It stays in the journal for the next run: this one has files to copy.
      if (!isStorageError(error) || error.code === "aborted") throw error;
    }
  }
}
