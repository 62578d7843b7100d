import { randomUUID } from "#platform";
import { StorageError } from "../bytes/storage-error.ts";
import type { DataFile } from "./data-file.ts";
import type { Manifest } from "./manifest.ts";
import type { PartitionFolder } from "./partition-tree.ts";

const OWN_FILE = /^part-[0-9a-f]{32}\.parquet$/;

/**
 * The file that the first write into an empty folder creates. Creating it is that write's commit: it is part of the table
 * without a manifest, and only one of two racing writers can create it.
 */
export const FIRST_FILE_NAME = "part-0.parquet";

/** Returns a new write id: 32 hex digits. */
export function newWriteId(): string {
  return randomUUID().replaceAll("-", "");
}

/** Returns whether {@link dataFileName} made a name. Such a file is part of the table only once a manifest names it. */
export function isOwnFile(name: string): boolean {
  return OWN_FILE.test(name);
}

/** Returns the name of the data file that a later write adds. It is unique, so a new file never replaces an old one. */
export function dataFileName(writeId: string): string {
  return `part-${writeId}.parquet`;
}

/**
 * Returns the committed files of a partition, which is the heart of the commit protocol (docs/decisions/0003):
 *
 * 1. With a manifest that has `files`: exactly these, whatever else the folder holds; a file that its write has not published
 *    yet by its pending name.
 * 2. Otherwise another system wrote the partition: its Parquet files, or its CSV files where it has no Parquet. A file
 *    with a name of {@link dataFileName} then belongs to a write that is not committed, unless there are no other files:
 *    then the folder was copied without its manifest.
 *
 * @throws StorageError `not_found` where the manifest names a file that the folder lacks: it was replaced in the
 * meantime, or deleted.
 * @example
 * ```ts
 * for (const { key } of committedFiles(folder, manifest)) await read(key);
 * ```
 */
export function committedFiles(folder: PartitionFolder, manifest: Manifest | undefined): readonly DataFile[] {
  if (manifest?.files !== undefined) {
    const byName = new Map([...folder.pending, ...folder.files].map((file) => [file.name, file]));
    return manifest.files.map(({ name }) => {
      const file = byName.get(name);
      if (file === undefined) throw missingFile(folder, name);
      return file;
    });
  }
  const foreign = folder.files.filter(({ name }) => !isOwnFile(name));
  if (foreign.length === 0) return manifest === undefined ? folder.files : [];
  const parquet = foreign.filter(({ format }) => format === "parquet");
  return parquet.length > 0 ? parquet : foreign;
}

/** Returns whether a killed write left a file, or a write replaced it and could not delete it. */
export function isLeftover({ name, info }: DataFile, manifest: Manifest | undefined): boolean {
  return (
    isOwnFile(name) || manifest?.replaced?.some((old) => old.name === name && old.etag === info.etag) === true
  );
}

/** Returns the files that another system added to a folder whose manifest does not list them: no read returns their rows. */
export function strayFiles(
  files: readonly DataFile[],
  committed: readonly DataFile[],
  manifest: Manifest | undefined,
): readonly DataFile[] {
  if (manifest?.files === undefined) return [];
  const names = new Set(committed.map(({ name }) => name));
  return files.filter((file) => !names.has(file.name) && !isLeftover(file, manifest));
}

function missingFile(folder: PartitionFolder, name: string): StorageError {
  return new StorageError({
    code: "not_found",
    op: "readIndex",
    path: `${folder.prefix}/${name}`,
    message: `${folder.manifest?.key ?? folder.prefix} names ${name}, which does not exist. Restore the file, or write the partition again; repair(entity, { dryRun: true }) lists every such partition.`,
  });
}
