import { throwIfAborted } from "../bytes/abort.ts";
import { checkArgument, checkOptions, checkRows, invalid } from "../bytes/check-arguments.ts";
import { checkBackend } from "../bytes/check-backend.ts";
import { deleteAll } from "../bytes/delete-all.ts";
import { type Key, parseKey, parsePrefix } from "../bytes/key.ts";
import { listObjects } from "../bytes/list-objects.ts";
import type { Row, RowLike } from "../bytes/row.ts";
import { showValue } from "../bytes/show-value.ts";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import { throwsWhenRead } from "../bytes/throws-when-read.ts";
import { decodeCsv } from "../csv/read-csv.ts";
import type { ReadCsvOptions } from "../csv/read-csv-options.ts";
import { scanCsv } from "../csv/scan-csv.ts";
import { encodeCsv, type WriteCsvOptions } from "../csv/write-csv.ts";
import { isPartition, type Partition } from "../hive/partition.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import { openParquetFile } from "../parquet/open-parquet-file.ts";
import { parquetBody } from "../parquet/parquet-body.ts";
import { type ColumnTable, checkTable } from "../parquet/table-rows.ts";
import { isAsyncIterable, noteBatches, readingRows } from "./callers-rows.ts";
import { collectRows } from "./collect-rows.ts";
import { openCsvFile } from "./data-file.ts";
import { type ListEntitiesOptions, listEntities } from "./entities.ts";
import { EntityMemory } from "./entity-memory.ts";
import { type EntityReport, type InspectOptions, inspectEntity } from "./inspect-entity.ts";
import { type PartitionFilters, parseFilters } from "./partition-filter.ts";
import { type RepairOptions, type RepairReport, repairEntity } from "./repair-entity.ts";
import {
  type PartitionRows,
  type ReplaceOptions,
  type ReplaceResult,
  replacePartitions,
} from "./replace-partitions.ts";
import { type ScanOptions, scanPartitions } from "./scan-partitions.ts";
import { checkStorageOptions, type ReadParquetOptions, type WriteParquetOptions } from "./storage-options.ts";
import { type WriteOptions, writePartition } from "./write-partition.ts";
import {
  type WritePartitionsOptions,
  type WritePartitionsResult,
  writePartitions,
} from "./write-partitions.ts";

/**
 * Tables over any {@link StorageBackend}: Parquet and CSV files, and Hive-partitioned entities. Results do not depend on the
 * backend. Every method throws only {@link StorageError}, and refuses options of an unknown name or of the wrong kind.
 *
 * @example
 * ```ts
 * const storage = new Storage(createMemoryBackend());
 * await storage.write("raw/games", rows, partition({ year: "2024" }));
 * const back = await storage.readIndex("raw/games", { year: "2024" });
 * ```
 */
export class Storage implements AsyncDisposable {
  /** The backend that stores the bytes. */
  readonly backend: StorageBackend;
  readonly #entities: EntityMemory;

  /**
   * @throws StorageError `invalid_argument` if the argument is not a backend.
   */
  constructor(backend: StorageBackend) {
    checkBackend(backend, "backend", "Storage");
    this.backend = backend;
    this.#entities = new EntityMemory(backend);
  }

  /** Returns the address of the data root: `/data` or `s3://bucket/prefix`. */
  root(): string {
    return this.backend.url();
  }

  /**
   * Returns the address of a path: `/data/raw/x` or `s3://bucket/raw/x`. Sends no request.
   *
   * @throws StorageError `invalid_path` if the path is not a key.
   */
  fullPath(path: string): string {
    return this.backend.url(parsePrefix(path, "fullPath"));
  }

  /**
   * Returns whether there is a file of that name, or a folder with files in it. It is false only for "not found"; every other
   * failure throws.
   */
  async exists(path: string, options: OperationOptions = {}): Promise<boolean> {
    checkStorageOptions("exists", options);
    const key = parsePrefix(path, "exists");
    try {
      if (key !== "") {
        await this.backend.head(key, options);
        return true;
      }
    } catch (error) {
      if (!isStorageError(error, "not_found")) throw error;
    }
    for await (const _ of listObjects(this.backend, { ...options, prefix: key })) return true;
    return false;
  }

  /** Returns all files below a folder, sorted. Prefixes match whole path segments: `a/week=1` never lists `a/week=10`. */
  async listFiles(prefix = "", options: OperationOptions = {}): Promise<string[]> {
    checkStorageOptions("listFiles", options);
    const keys: string[] = [];
    for await (const { key } of listObjects(this.backend, {
      ...options,
      prefix: parsePrefix(prefix, "listFiles"),
    })) {
      keys.push(key);
    }
    return keys;
  }

  /** Returns the entities below a folder: `raw/games`, `raw/plays`, … Folders that cannot be read are left out. */
  async listEntities(prefix = "", options: ListEntitiesOptions = {}): Promise<readonly string[]> {
    checkStorageOptions("listEntities", options);
    return listEntities(this.backend, { ...options, prefix: parsePrefix(prefix, "listEntities") });
  }

  /**
   * Reads a Parquet file.
   *
   * @throws StorageError `not_found`; `corrupt` if it is not a readable Parquet file.
   */
  async readParquet(path: string, options: ReadParquetOptions = {}): Promise<Row[]> {
    checkStorageOptions("readParquet", options);
    const rows: Row[] = [];
    for await (const batch of this.scanParquet(path, options)) for (const row of batch) rows.push(row);
    return rows;
  }

  /**
   * Yields the rows of a Parquet file in batches, and holds one row group at a time.
   *
   * @throws StorageError as {@link Storage.readParquet}.
   */
  async *scanParquet(path: string, options: ReadParquetOptions = {}): AsyncGenerator<Row[]> {
    checkStorageOptions("scanParquet", options);
    const source = await openByteSource(this.backend, parseKey(path, "readParquet"), options);
    const file = await openParquetFile(source, options);
    yield* file.scan(options.columns);
  }

  /**
   * Writes rows as a Parquet file, and replaces an existing file. Values that are in columns already are passed as
   * `{ columns }`. Rows may also come in batches, as {@link Storage.scan} yields them: one row group of at most 20,000 rows or about
   * 32 MiB is then held at a time, and `schema` is required. Otherwise the encoded file is held too.
   *
   * @throws StorageError `invalid_argument` that names the row and column of a value which does not fit.
   * @example
   * ```ts
   * await storage.writeParquet("raw/all.parquet", storage.scan("raw/plays"), { schema });
   * ```
   */
  async writeParquet(
    path: string,
    rows: readonly RowLike[] | ColumnTable | AsyncIterable<readonly RowLike[]>,
    options: WriteParquetOptions = {},
  ): Promise<void> {
    checkStorageOptions("writeParquet", options);
    const { schema, signal } = options;
    const key = parseKey(path, "writeParquet");
    const checkpoint = (): void => throwIfAborted(signal, "writeParquet", key, this.backend.name);
    const given: { schema: unknown; rows: unknown } = { schema, rows };
    await readingRows("writeParquet", given, async () => {
      // Only the batch that is being encoded can be read again.
      const noted = isAsyncIterable(rows) ? noteBatches(rows, given) : rows;
      await this.backend.put(key, await parquetBody(noted, schema, path, { checkpoint }), { signal });
    });
  }

  /**
   * Reads a CSV file with a header line. A file that is packed by gzip is unpacked, and the values of a `.tsv` are separated by
   * tabs unless `delimiter` is given.
   *
   * @throws StorageError `not_found`; `corrupt` that names the line.
   */
  async readCsv(path: string, options: ReadCsvOptions & OperationOptions = {}): Promise<Row[]> {
    const key = parseKey(path, "readCsv");
    checkStorageOptions("readCsv", options);
    const { body } = await this.backend.get(key, { signal: options.signal });
    const name = this.backend.url(key);
    const csv = await openCsvFile(await body.bytes(), name, options);
    const checkpoint = (): void => throwIfAborted(options.signal, "readCsv", key, this.backend.name);
    return (await decodeCsv(csv.bytes, name, csv.options, checkpoint)).rows;
  }

  /**
   * Yields the rows of a CSV file in batches, and holds one batch at a time. A column's type depends on all of its values, so
   * the file is read twice; with `inferTypes: false` once, and a file that escapes quotes by backslashes then needs `escape`.
   *
   * @throws StorageError as {@link Storage.readCsv}; `precondition_failed` if the file is replaced between the two reads.
   */
  async *scanCsv(path: string, options: ReadCsvOptions & OperationOptions = {}): AsyncGenerator<Row[]> {
    const key = parseKey(path, "readCsv");
    checkStorageOptions("scanCsv", options);
    const { signal } = options;
    let etag: string | undefined;
    const open = async (): Promise<AsyncIterable<Uint8Array>> => {
      const { info, body } = await this.backend.get(key, { ifMatch: etag, signal });
      etag = info.etag;
      return body;
    };
    const checkpoint = (): void => throwIfAborted(signal, "scanCsv", key, this.backend.name);
    yield* scanCsv(open, this.backend.url(key), options, checkpoint);
  }

  /** Writes rows as a CSV file, and replaces an existing file. */
  async writeCsv(
    path: string,
    rows: readonly RowLike[],
    options: WriteCsvOptions & OperationOptions = {},
  ): Promise<void> {
    const key = parseKey(path, "writeCsv");
    checkStorageOptions("writeCsv", options);
    const checkpoint = (): void => throwIfAborted(options.signal, "writeCsv", key, this.backend.name);
    const bytes = await readingRows("writeCsv", rows, () =>
      encodeCsv(checkRows(rows, "writeCsv"), options, checkpoint),
    );
    await this.backend.put(key, bytes, { signal: options.signal });
  }

  /**
   * Reads the rows of an entity's partitions that match the filters. Returns `[]` if none matches. Data files that no read returns
   * are not reported here: {@link Storage.inspect} and {@link Storage.repair} list them as `strays`.
   *
   * Memory: the rows, and what {@link Storage.scan} takes. A million rows of 20 columns take about 330 bytes each, 310 MiB in
   * all, and 90 MiB for reading them.
   *
   * @param filters any subset of the keys, in any order; a value may be a list.
   * @throws StorageError `not_found` for an unknown entity and `invalid_argument` for an unknown key, each naming the known
   * ones; `corrupt` that names a file which cannot be read.
   * @example
   * ```ts
   * await storage.readIndex("raw/plays", { year: "2024", week: ["1", "2"] }, { columns: ["yards"] });
   * ```
   */
  async readIndex<T = Row>(
    entity: string,
    filters: PartitionFilters = {},
    options: ScanOptions<T> = {},
  ): Promise<T[]> {
    checkStorageOptions("readIndex", options);
    if (options.rowSchema !== undefined) {
      const parsed: T[] = [];
      for await (const batch of this.scan(entity, filters, options))
        for (const row of batch) parsed.push(row);
      return parsed;
    }
    // Without a schema T is Row, its default.
    const batches = this.scan(entity, filters, options as ScanOptions);
    return (await collectRows(batches, () =>
      throwIfAborted(options.signal, "readIndex", entity, this.backend.name),
    )) as T[];
  }

  /**
   * Yields the rows of {@link Storage.readIndex} in batches of at most 8,192. A row has the columns of its own file.
   *
   * Memory, however many rows and partitions there are: the row group that is being read, decoded, and up to 16 partitions that
   * are opened ahead, of together at most 64 MiB or one partition. Of a Parquet file that counts what is held: all of it up to
   * 1 MiB, else its footer; of a CSV file its rows. A million rows of 20 columns in 50 partitions raise the memory of the process
   * by about 110 MiB. The listing takes about 1 KB more for each file.
   *
   * @throws StorageError as {@link Storage.readIndex}.
   */
  async *scan<T = Row>(
    entity: string,
    filters: PartitionFilters = {},
    options: ScanOptions<T> = {},
  ): AsyncGenerator<T[]> {
    checkStorageOptions("scan", options);
    yield* scanPartitions(this.backend, parseKey(entity, "readIndex"), parseFilters(filters), options);
  }

  /**
   * Writes rows as the rows of one partition: exactly that partition is replaced, atomically. `overwrite: false` adds a
   * file to it instead. Columns named like partition keys are stored in the path only.
   *
   * @returns the number of rows written.
   * @throws StorageError `conflict` if another writer committed first; `invalid_argument` that names the row and column of a
   * value which does not fit.
   * @example
   * ```ts
   * await storage.write("processed/byplay", rows, partition({ year: "2024", week: "1" }));
   * ```
   */
  async write(
    entity: string,
    rows: readonly RowLike[] | ColumnTable,
    partition: Partition,
    options: WriteOptions = {},
  ): Promise<number> {
    checkStorageOptions("write", options);
    const key = parseKey(entity, "write");
    const place = checkedPartition(partition, "write");
    return readingRows("write", { rows, schema: options.schema }, () =>
      writePartition(this.backend, key, checkTable(rows, "write"), place, options, this.#entities),
    );
  }

  /**
   * Writes rows to many partitions: those that the columns `by` name, as `partition_cols` of pandas and `PARTITION_BY` of DuckDB.
   * They are written concurrently, one atomic and durable commit each, and exactly they are replaced; `overwrite: false` adds a
   * file to each instead. The columns `by` are stored in the path only, as in {@link Storage.write}: `1` and `"1"` are the same
   * value, null and a missing value are NULL, and a Date is refused. Without rows it writes nothing.
   *
   * It holds the rows, 8 bytes more for each, and the encoded files of `concurrency` partitions.
   *
   * @throws PartialWriteError a {@link StorageError} whose `committed`, `failed` and `untried` list which partitions were written.
   * The same call with all rows can be repeated safely; with `overwrite: false`, pass only the rows of the last two.
   * @throws StorageError `invalid_argument` before anything is written, if a value fits no partition or no column.
   * @example
   * ```ts
   * const { partitions } = await storage.writePartitions("raw/plays", plays, { by: ["year", "week"] });
   * ```
   */
  async writePartitions(
    entity: string,
    rows: readonly RowLike[],
    options: WritePartitionsOptions,
  ): Promise<WritePartitionsResult> {
    checkStorageOptions("writePartitions", options);
    checkOptions({ by: options.by ?? null }, { by: "strings" }, "writePartitions");
    const key = parseKey(entity, "writePartitions");
    return readingRows("writePartitions", { rows, schema: options.schema }, () =>
      writePartitions(this.backend, key, checkRows(rows, "writePartitions"), options, this.#entities),
    );
  }

  /**
   * Replaces many partitions, such as all games of a season: concurrently, one atomic commit each, at most `concurrency` of
   * them in memory.
   *
   * @param source the partitions with their rows; a generator can make them one by one.
   * @throws PartialWriteError a {@link StorageError} whose `committed` and `failed` list which partitions were replaced
   * and which were not.
   * @example
   * ```ts
   * await storage.replacePartitions("processed/byplay", season(), {
   *   onProgress: ({ partitions }) => console.log(`${partitions} games`),
   * });
   * ```
   */
  async replacePartitions(
    entity: string,
    source: Iterable<PartitionRows> | AsyncIterable<PartitionRows>,
    options: ReplaceOptions = {},
  ): Promise<ReplaceResult> {
    checkStorageOptions("replacePartitions", options);
    const key = parseKey(entity, "replacePartitions");
    const write = (rows: readonly Row[], partition: Partition): Promise<number> =>
      writePartition(this.backend, key, rows, partition, options, this.#entities);
    return replacePartitions(key, source, write, options);
  }

  /**
   * Finds and removes files that killed writes left in an entity. The rows stay as they are.
   *
   * @throws StorageError `not_found` for an unknown entity; `conflict` if a partition was written in the meantime.
   * @example
   * ```ts
   * const { removed } = await storage.repair("raw/plays", { dryRun: true });
   * ```
   */
  async repair(entity: string, options: RepairOptions = {}): Promise<RepairReport> {
    checkStorageOptions("repair", options);
    return repairEntity(this.backend, parseKey(entity, "repair"), options);
  }

  /**
   * Returns the keys of an entity with their values, the numbers of its partitions, files, bytes and rows, and its columns,
   * with the partitions in which a column's type differs.
   *
   * @throws StorageError `not_found` for an unknown entity.
   * @example
   * ```ts
   * const { rows, drift } = await storage.inspect("raw/games");
   * ```
   */
  async inspect(entity: string, options: InspectOptions = {}): Promise<EntityReport> {
    checkStorageOptions("inspect", options);
    return inspectEntity(this.backend, parseKey(entity, "inspect"), options);
  }

  /** Deletes files. Files that do not exist are ignored. */
  async delete(paths: readonly string[], options: OperationOptions = {}): Promise<void> {
    checkStorageOptions("delete", options);
    checkArgument(paths, "array", "paths", "delete");
    await deleteAll(
      this.backend,
      paths.map((path): Key => parseKey(path, "delete")),
      options,
    );
  }

  /** Closes sockets and file handles. */
  async close(): Promise<void> {
    await this.backend.close();
  }

  /** Calls {@link Storage.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function checkedPartition(partition: Partition, op: string): Partition {
  if (!throwsWhenRead(partition) && isPartition(partition)) return partition;
  throw invalid(op, `the partition must be made by partition({ year: "2024" }), got ${showValue(partition)}`);
}
