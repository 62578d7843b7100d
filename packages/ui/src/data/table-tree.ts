import type { ObjectInfo } from "@parquetry/core/backend";
import { dataFormat, looksLikeData, MANIFEST_NAME } from "@parquetry/core/unstable/tables";
import type { DriftReport } from "../answers.ts";
import { PartitionStore } from "./partition-store.ts";
import { placeOf } from "./place-of.ts";

/** A file below this size is small: an engine spends more time on opening it than on reading it. */
export const SMALL_FILE_BYTES = 1_000_000;
/** Size classes of files: below 1 kB, below 4 kB, and so on by factors of 4, up to 4 GB and above. */
const SIZE_CLASSES = 13;

/** The numbers of a partition that the listing contains. */
const PARTITION_NUMBERS = ["files", "bytes", "newestMinute"] as const;
type PartitionNumber = (typeof PARTITION_NUMBERS)[number];
const MINUTE_MS = 60_000;

/** A table as the listing shows it. */
export interface TableSummary {
  readonly entity: string;
  /** The names of the partition keys, outermost first, of the first partition with the most keys. */
  keys: readonly string[];
  /** The files, bytes and newest write of each partition. */
  readonly partitions: PartitionStore<PartitionNumber>;
  files: number;
  bytes: number;
  csvBytes: number;
  newest: number;
  smallFiles: number;
  /** How many files look like data and are not read. */
  strays: number;
  /** Some of them. */
  readonly strayExamples: string[];
  /** Files by size class. */
  readonly sizes: number[];
  /** How many partitions are missing on the map, once the listing is complete. */
  gaps?: number | undefined;
  /** The rows and the drift, once every partition was inspected. */
  report?: DriftReport | undefined;
}

/** The tables below a root, made from its objects in the order of a listing. */
export class TableTree {
  readonly tables: Map<string, TableSummary> = new Map();
  objects = 0;

  add({ key, sizeBytes, lastModified }: ObjectInfo): void {
    this.objects++;
    const place = placeOf(key);
    if (place === undefined) return;
    const { entity, folders, keys, name } = place;
    const format = keys && dataFormat(name);
    if (format === undefined && (name === MANIFEST_NAME || !looksLikeData(name))) return;
    const table = this.#table(entity);
    if (keys === undefined || format === undefined) {
      table.strays++;
      if (table.strayExamples.length < 5) table.strayExamples.push(key);
      return;
    }
    if (keys.length > table.keys.length) table.keys = keys;
    const modified = lastModified.getTime();
    table.files++;
    table.bytes += sizeBytes;
    table.newest = Math.max(table.newest, modified);
    if (sizeBytes < SMALL_FILE_BYTES) table.smallFiles++;
    if (format === "csv") table.csvBytes += sizeBytes;
    const { partitions } = table;
    const index = partitions.indexOf(folders);
    partitions.add("files", index, 1);
    partitions.add("bytes", index, sizeBytes);
    partitions.raise("newestMinute", index, Math.floor(modified / MINUTE_MS));
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
        partitions: new PartitionStore(PARTITION_NUMBERS),
        files: 0,
        bytes: 0,
        csvBytes: 0,
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
