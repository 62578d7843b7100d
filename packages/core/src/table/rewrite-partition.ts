import { createHash } from "#platform";
import type { Key } from "../bytes/key.ts";
import { collectBytes, type ReplayableBody } from "../bytes/object-body.ts";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import type { StorageError } from "../bytes/storage-error.ts";
import type { Partition } from "../hive/partition.ts";
import type { ByteSource } from "../parquet/byte-source.ts";
import { openParquet } from "../parquet/open-parquet.ts";
import { commitDraft } from "./commit-draft.ts";
import type { DataFile } from "./data-file.ts";
import { findPartitionPrefix } from "./find-partition-prefix.ts";
import type { MadeFrom, ManifestField } from "./manifest.ts";

/** A Parquet file that replaces the files from whose rows it was made. */
export interface RewrittenPartition {
  /** The entity. */
  readonly entity: Key;
  /** The partition. */
  readonly partition: Partition;
  /** The files that were committed when the rows were read: none for a new partition. */
  readonly replaced: readonly DataFile[];
  /** The files of another entity from which the rows were made, noted in the manifest. Default: none. */
  readonly madeFrom?: MadeFrom | undefined;
  /** The columns that are NULL throughout and were left out of the new file. The manifest keeps them. Default: none. */
  readonly nullColumns?: readonly string[] | undefined;
  /** The new file. */
  readonly body: ReplayableBody;
}

/** Options of {@link rewritePartition}. */
export interface RewriteOptions extends OperationOptions {
  /** Called with the error if a replaced file could not be deleted. No read returns its rows. */
  readonly onLeftover?: ((error: StorageError) => void) | undefined;
}

/**
 * Replaces the files of a partition by one Parquet file that was made from them, by the protocol of docs/decisions/0003: a
 * concurrent reader sees the old files or the new one. For tools that rewrite partitions without passing their rows through
 * `Storage`, such as `compact` of `@parquetry/query`.
 *
 * @throws StorageError `conflict` if other files are committed by now: nothing of this write remains; `corrupt` if the body
 * is not a Parquet file.
 * @example
 * ```ts
 * await rewritePartition(backend, { entity, partition, replaced: files, body });
 * ```
 */
export async function rewritePartition(
  backend: StorageBackend,
  { entity, partition, replaced, madeFrom, nullColumns = [], body }: RewrittenPartition,
  options: RewriteOptions = {},
): Promise<void> {
  const { rowCount: rows, fields: columns } = await openParquet(sourceOf(body, entity));
  const missing = nullColumns.map((name) => ({ name, type: "null" }));
  const fields = [...columns, ...missing].map(
    ({ name, type }): ManifestField => ({ name, type, nullable: true }),
  );
  const hash = createHash("sha256");
  for await (const chunk of body.open()) hash.update(chunk);
  const prefix = await findPartitionPrefix(backend, entity, partition, options.signal);
  const data = { body, sizeBytes: body.sizeBytes, rows, sha256: hash.digest("hex") };
  const draft = { entity, partition, prefix, columns: [], fields, madeFrom, data };
  await commitDraft(backend, draft, { ...options, overwrite: true, replaced });
}

function sourceOf(body: ReplayableBody, name: string): ByteSource {
  return {
    name,
    byteLength: body.sizeBytes,
    async slice(from, to = body.sizeBytes) {
      const start = from < 0 ? Math.max(0, body.sizeBytes + from) : from;
      return new Uint8Array(await collectBytes(body.open({ start, end: to }))).buffer;
    },
  };
}
