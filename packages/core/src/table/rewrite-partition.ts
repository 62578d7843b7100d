import { createHash } from "node:crypto";
import type { ReplayableBody } from "../backend/object-body.ts";
import type { OperationOptions, StorageBackend } from "../backend/storage-backend.ts";
import type { Partition } from "../hive/partition.ts";
import type { Key } from "../key.ts";
import type { StorageError } from "../storage-error.ts";
import { commitInPlaceOf } from "./commit-draft.ts";
import type { DataFile } from "./data-file.ts";
import { findPartitionPrefix } from "./find-partition-prefix.ts";
import type { ManifestField } from "./manifest.ts";

/** A Parquet file that holds the rows of others. */
export interface RewrittenPartition {
  /** The entity. */
  readonly entity: Key;
  /** The partition. */
  readonly partition: Partition;
  /** The files that counted when the rows were read: none for a partition that is not there yet. */
  readonly replaced: readonly DataFile[];
  /** The columns that the manifest names. */
  readonly fields: readonly ManifestField[];
  /** The new file. */
  readonly body: ReplayableBody;
  /** How many rows it has. */
  readonly rows: number;
}

/** Options of {@link rewritePartition}. */
export interface RewriteOptions extends OperationOptions {
  /** Told where a file that no longer counts could not be deleted. Nobody reads it. Default: nobody is told. */
  readonly onLeftover?: ((error: StorageError) => void) | undefined;
}

/**
 * Puts one Parquet file in the place of the files that it was made of, by the protocol of docs/decisions/0003: whoever
 * reads meanwhile sees the old files or the new one. For tools that rewrite partitions without taking their rows through
 * `Storage`, such as `compact` of `@parquetry/query`.
 *
 * @throws StorageError `conflict` where other files count by now: nothing of this write remains.
 * @example
 * ```ts
 * await rewritePartition(backend, { entity, partition, replaced: files, fields, body, rows });
 * ```
 */
export async function rewritePartition(
  backend: StorageBackend,
  { entity, partition, replaced, fields, body, rows }: RewrittenPartition,
  options: RewriteOptions = {},
): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of body.open()) hash.update(chunk);
  const prefix = await findPartitionPrefix(backend, entity, partition, options.signal);
  const data = { body, sizeBytes: body.sizeBytes, rows, sha256: hash.digest("hex") };
  await commitInPlaceOf(backend, { entity, partition, prefix, columns: [], fields, data }, replaced, options);
}
