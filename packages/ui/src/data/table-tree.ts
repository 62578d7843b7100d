import type { ObjectInfo } from "@parquetry/core/backend";
import { dataFormat, looksLikeData, MANIFEST_NAME } from "@parquetry/core/unstable/tables";
import { placeOf } from "./place-of.ts";

/** A file below this size is small: an engine spends more time on opening it than on reading it. */
export const SMALL_FILE_BYTES = 1_000_000;
/** Size classes of files: below 1 kB, below 4 kB, and so on by factors of 4, up to 4 GB and above. */
const SIZE_CLASSES = 13;

/** A partition: its files are those of one folder. */
export interface PartitionSummary {
  /** The values of the partition keys, outermost first; NULL is null. */
  readonly values: readonly (string | null)[];
  files: number;
  bytes: number;
  /** When the newest file was written, in milliseconds since 1970. */
  newest: number;
  smallFiles: number;
}

/** A table as the listing shows it. */
export interface TableSummary {
  readonly entity: string;
  /** The names of the partition keys, outermost first, of the first partition with the most keys. */
  keys: readonly string[];
  /** By folder, relative to the entity. */
  readonly partitions: Map<string, PartitionSummary>;
  files: number;
  bytes: number;
  newest: number;
  smallFiles: number;
  /** How many files look like data and are not read. */
  strays: number;
  /** Some of them. */
  readonly strayExamples: string[];
  /** Files by size class. */
  readonly sizes: number[];
}

/** The tables below a root, made from its objects in the order of a listing. */
export class TableTree {
  readonly tables: Map<string, TableSummary> = new Map();
  objects = 0;

  add({ key, sizeBytes, lastModified }: ObjectInfo): void {
    this.objects++;
    const place = placeOf(key);
    if (place === undefined) return;
    const { entity, folder, keys, values, name } = place;
    const isData = dataFormat(name) !== undefined && values !== undefined;
    if (!isData && (name === MANIFEST_NAME || !looksLikeData(name))) return;
    const table = this.#table(entity);
    if (!isData) {
      table.strays++;
      if (table.strayExamples.length < 5) table.strayExamples.push(key);
      return;
    }
    if (keys.length > table.keys.length) table.keys = keys;
    let partition = table.partitions.get(folder);
    if (partition === undefined) {
      partition = { values, files: 0, bytes: 0, newest: 0, smallFiles: 0 };
      table.partitions.set(folder, partition);
    }
    const modified = lastModified.getTime();
    const isSmall = sizeBytes < SMALL_FILE_BYTES;
    for (const sums of [table, partition]) {
      sums.files++;
      sums.bytes += sizeBytes;
      sums.newest = Math.max(sums.newest, modified);
      if (isSmall) sums.smallFiles++;
    }
    const sizeClass = sizeBytes < 1000 ? 0 : 1 + Math.floor(Math.log(sizeBytes / 1000) / Math.log(4));
    const at = Math.min(sizeClass, SIZE_CLASSES - 1);
    table.sizes[at] = (table.sizes[at] ?? 0) + 1;
  }

  #table(entity: string): TableSummary {
    let table = this.tables.get(entity);
    if (table === undefined) {
      table = {
        entity,
        keys: [],
        partitions: new Map(),
        files: 0,
        bytes: 0,
        newest: 0,
        smallFiles: 0,
        strays: 0,
        strayExamples: [],
        sizes: new Array<number>(SIZE_CLASSES).fill(0),
      };
      this.tables.set(entity, table);
    }
    return table;
  }
}
