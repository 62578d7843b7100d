import { parseKey, type StorageBackend, StorageError } from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/unstable";
import {
  chunkLayout,
  type DataFile,
  footerBytes,
  readCommitted,
  TRAILER_BYTES,
  walkPartitions,
} from "@parquetry/core/unstable/tables";
import type { StoredPartition } from "./plan-registration.ts";

const CONCURRENCY = 16;

/** A committed file. */
export interface CommittedFile {
  /** Its name below the table: `year=2024/part-0.parquet`. */
  readonly path: string;
  /** Its rows, where a manifest says how many. */
  readonly rows: number | undefined;
  readonly file: DataFile;
}

/** A partition and its committed files. */
export interface CommittedPartition extends StoredPartition {
  readonly files: readonly CommittedFile[];
}

/** Lists the folders of an entity that hold committed files. */
export async function storedPartitions(
  backend: StorageBackend,
  entity: string,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly CommittedPartition[]> {
  const root = parseKey(entity);
  const { folders } = await walkPartitions(backend, root, { signal });
  const read = await mapConcurrent(folders, CONCURRENCY, (folder) =>
    readCommitted(backend, folder, { signal, op: "register" }, async (files, manifest) => {
      const rows = new Map(manifest?.files?.map((file) => [file.name, file.rows]));
      return {
        values: keys.map((key) => folder.partition.get(key) ?? null),
        path: folder.prefix.slice(root.length + 1),
        files: files.map((file) => ({
          path: file.info.key.slice(root.length + 1),
          rows: rows.get(file.name),
          file,
        })),
      };
    }),
  );
  return read.flatMap((found) => (found === undefined || found.files.length === 0 ? [] : [found]));
}

/** Counts the rows of a file: as its manifest says, else as its footer does. */
export async function rowsOf(
  backend: StorageBackend,
  { rows, file }: CommittedFile,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (rows !== undefined) return rows;
  const { key, etag } = file.info;
  const tail = async (last: number): Promise<Uint8Array> =>
    (await backend.get(key, { range: { last }, ifMatch: etag, signal })).body.bytes();
  const footer = footerBytes(await tail(TRAILER_BYTES));
  if (footer === undefined)
    throw new StorageError({
      code: "corrupt",
      op: "register",
      path: key,
      message: `register: ${key} does not end like a Parquet file. Restore it, or write its partition again.`,
    });
  return chunkLayout(await tail(footer)).reduce((sum, { rowCount }) => sum + Number(rowCount), 0);
}
