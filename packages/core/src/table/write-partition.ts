import { createHash } from "node:crypto";
import { deleteAll } from "../backend/delete-all.ts";
import type {
  ObjectInfo,
  OperationOptions,
  Preconditions,
  StorageBackend,
} from "../backend/storage-backend.ts";
import type { Partition } from "../hive/partition.ts";
import { joinKey, type Key } from "../key.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import { inferColumns } from "../parquet/infer-columns.ts";
import { openParquet } from "../parquet/open-parquet.ts";
import { encodeParquet } from "../parquet/write-parquet.ts";
import type { Row } from "../row.ts";
import { isStorageError, StorageError } from "../storage-error.ts";
import { committedFiles, dataFileName, newWriteId } from "./committed-files.ts";
import { type DataFile, MANIFEST_NAME } from "./data-file.ts";
import { type Manifest, type ManifestFile, parseManifest, renderManifest } from "./manifest.ts";
import { listPartitionFolder, partitionPrefix } from "./partition-tree.ts";

/** Options of `write`. */
export interface WriteOptions extends OperationOptions {
  /** `true` replaces exactly this partition; `false` (default) adds a file to it. */
  readonly overwrite?: boolean | undefined;
  /** The columns and their types. Default: found by looking at every row. */
  readonly schema?: readonly ColumnSchema[] | undefined;
}

/** What a partition is before a write. */
interface Before {
  readonly files: readonly DataFile[];
  readonly committed: readonly DataFile[];
  readonly manifest: Manifest | undefined;
  readonly manifestInfo: ObjectInfo | undefined;
}

/**
 * Writes rows to one partition: the new file first, then the manifest by compare-and-swap, which is the commit, then the
 * old files go (docs/decisions/0003). Whoever reads meanwhile sees all old rows or all new rows.
 *
 * @returns how many rows were written.
 * @throws StorageError `conflict` where another writer committed first: nothing of this write remains.
 */
export async function writePartition(
  backend: StorageBackend,
  entity: Key,
  rows: readonly Row[],
  partition: Partition,
  options: WriteOptions = {},
): Promise<number> {
  const { overwrite = false, signal } = options;
  const own = withoutPartitionColumns(rows, partition);
  const columns = options.schema ?? inferColumns(own);
  const prefix = partitionPrefix(entity, partition);
  const before = await readBefore(backend, prefix, partition, signal);
  const writeId = newWriteId();

  const kept = overwrite ? [] : await describeFiles(backend, before, signal);
  const added =
    own.length === 0 ? undefined : await putDataFile(backend, prefix, own, columns, writeId, signal);
  const manifest = renderManifest({
    entity,
    columns,
    files: added === undefined ? kept : [...kept, added.file],
    writeId,
    writeTime: new Date(),
  });
  try {
    await commit(backend, joinKey(prefix, MANIFEST_NAME), manifest, before.manifestInfo, writeId, signal);
  } catch (error) {
    // Where it is known that the commit did not happen, the new file must not stay behind.
    if (added !== undefined && !isStorageError(error, "outcome_unknown"))
      await deleteAll(backend, [added.key]);
    throw error;
  }
  // Files that this listing saw and the new manifest does not name: replaced, or left behind by a crash. A file of a
  // writer that started later cannot be among them.
  const keptNames = new Set(kept.map(({ name }) => name));
  const stale = before.files.filter(({ name }) => !keptNames.has(name)).map(({ info }) => info.key);
  if (stale.length > 0) await deleteAll(backend, stale, { signal });
  return rows.length;
}

/** Rows without the partition's columns: the path says them. A row that says otherwise would silently change. */
function withoutPartitionColumns(rows: readonly Row[], partition: Partition): readonly Row[] {
  const { entries } = partition;
  return rows.map((row, i) => {
    if (!entries.some(([key]) => key in row)) return row;
    const rest = { ...row };
    for (const [key, value] of entries) {
      const given = rest[key];
      if (given !== undefined && given !== null && String(given) !== value) {
        throw new StorageError({
          code: "invalid_argument",
          op: "write",
          path: partition.path(),
          message: `write: row ${i} has ${key} = ${JSON.stringify(String(given))}, the partition ${partition.path()} says ${JSON.stringify(value)}. Write it to its own partition.`,
        });
      }
      delete rest[key];
    }
    return rest;
  });
}

async function readBefore(
  backend: StorageBackend,
  prefix: Key,
  partition: Partition,
  signal: AbortSignal | undefined,
): Promise<Before> {
  const folder = await listPartitionFolder(backend, { prefix, partition }, signal);
  if (folder === undefined) return { files: [], committed: [], manifest: undefined, manifestInfo: undefined };
  const [deeper] = folder.below;
  if (deeper !== undefined) {
    throw new StorageError({
      code: "invalid_path",
      op: "write",
      path: prefix,
      backend: backend.name,
      message: `write: ${prefix} has deeper partitions below it, ${deeper} among them. Write to those, or choose another entity.`,
    });
  }
  if (folder.manifest === undefined) {
    return {
      files: folder.files,
      committed: committedFiles(folder, undefined),
      manifest: undefined,
      manifestInfo: undefined,
    };
  }
  const { info, body } = await backend.get(folder.manifest.key, { signal });
  const manifest = parseManifest(await body.bytes(), info.key);
  return { files: folder.files, committed: committedFiles(folder, manifest), manifest, manifestInfo: info };
}

/** What the manifest says of the files that an append keeps; files of other systems are read once to say it. */
async function describeFiles(
  backend: StorageBackend,
  before: Before,
  signal: AbortSignal | undefined,
): Promise<readonly ManifestFile[]> {
  if (before.manifest?.files !== undefined) return before.manifest.files;
  const described: ManifestFile[] = [];
  for (const { name, format, info } of before.committed) {
    if (format === "csv") {
      throw new StorageError({
        code: "not_supported",
        op: "write",
        path: info.key,
        backend: backend.name,
        message: `write: cannot add a Parquet file beside ${info.key}, which would hide it. Read the partition and write it with overwrite: true.`,
      });
    }
    const source = await openByteSource(backend, info.key, { known: info, signal });
    const { rowCount } = await openParquet(source);
    const sha256 = createHash("sha256")
      .update(new Uint8Array(await source.slice(0)))
      .digest("hex");
    described.push({ name, rows: rowCount, bytes: info.sizeBytes, sha256 });
  }
  return described;
}

async function putDataFile(
  backend: StorageBackend,
  prefix: Key,
  rows: readonly Row[],
  columns: readonly ColumnSchema[],
  writeId: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly key: Key; readonly file: ManifestFile }> {
  const bytes = encodeParquet(rows, columns);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const name = dataFileName(writeId);
  const key = joinKey(prefix, name);
  await backend.put(key, bytes, { sha256, signal });
  return { key, file: { name, rows: rows.length, bytes: bytes.byteLength, sha256 } };
}

/** Swaps the manifest. Where the store cannot say what became of it, the write id in it does. */
async function commit(
  backend: StorageBackend,
  key: Key,
  manifest: Uint8Array,
  before: ObjectInfo | undefined,
  writeId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const condition: Preconditions = before === undefined ? { ifNoneMatch: "*" } : { ifMatch: before.etag };
  try {
    await backend.put(key, manifest, { ...condition, signal });
  } catch (error) {
    if (isStorageError(error, "already_exists") || isStorageError(error, "precondition_failed")) {
      throw new StorageError({
        code: "conflict",
        op: "write",
        path: key,
        backend: backend.name,
        message: `write: another writer committed ${key} first; nothing of this write remains. Read the partition again, then decide whether to write.`,
        cause: error,
      });
    }
    if (!isStorageError(error, "outcome_unknown")) throw error;
    const { body } = await backend.get(key, { signal });
    if (parseManifest(await body.bytes(), key).write_id !== writeId) throw error;
  }
}
