import { randomUUID } from "node:crypto";
import { StorageError } from "../bytes/storage-error.ts";
import type { DataFile } from "./data-file.ts";
import type { Manifest } from "./manifest.ts";
import type { PartitionFolder } from "./partition-tree.ts";

const OWN_FILE = /^part-[0-9a-f]{32}\.parquet$/;

/**
 * The file that the first write into an empty folder creates. Creating it is that write's commit: it counts without a
 * manifest, and only one of two racing writers can create it.
 */
export const FIRST_FILE_NAME = "part-0.parquet";

/** A fresh write id: 32 hex digits. */
export function newWriteId(): string {
  return randomUUID().replaceAll("-", "");
}

/** True for a name that {@link dataFileName} gives: such a file counts only once a manifest names it. */
export function isOwnFile(name: string): boolean {
  return OWN_FILE.test(name);
}

/** The name of the data file that a later write adds. No two writes share one, so a new file never replaces an old one. */
export function dataFileName(writeId: string): string {
  return `part-${writeId}.parquet`;
}

/**
 * The files of a partition that count, which is the heart of the commit protocol (docs/decisions/0003):
 *
 * 1. A manifest with `files` is the truth: exactly these files, whatever else lies there.
 * 2. Otherwise another system wrote the partition: its Parquet files, or its CSV files where it has no Parquet. A file
 *    named as {@link dataFileName} names them is then one whose write is not committed, unless there is nothing else:
 *    then the folder was copied without its manifest.
 *
 * @throws StorageError `not_found` where the manifest names a file that the folder lacks: it was replaced meanwhile, or
 * somebody deleted the file.
 */
export function committedFiles(folder: PartitionFolder, manifest: Manifest | undefined): readonly DataFile[] {
  if (manifest?.files !== undefined) {
    const byName = new Map(folder.files.map((file) => [file.name, file]));
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

/** True for a file that a killed write left, or that an overwrite replaced and could not delete. */
export function isLeftover({ name, info }: DataFile, manifest: Manifest | undefined): boolean {
  return (
    isOwnFile(name) || manifest?.replaced?.some((old) => old.name === name && old.etag === info.etag) === true
  );
}

/** The files that another system put beside a manifest which does not list them: no read returns their rows. */
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
    message: `${folder.prefix}/manifest.json names ${name}, which is not there. Restore the file, or write the partition again; repair(entity, { dryRun: true }) names every partition like it.`,
  });
}
