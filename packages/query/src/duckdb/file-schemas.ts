import type { DuckDBValue } from "@duckdb/node-api";
import { isStorageError } from "@parquetry/core";
import { forEachYielding } from "@parquetry/core/unstable";
import { footerComparer } from "../files/compare-footers.ts";
import { groupBy } from "../files/group-by.ts";
import { mapYielding } from "../files/map-yielding.ts";
import { type ScanFile, unseenKeys } from "../files/scan-file.ts";
import { foldName } from "../statement/fold-name.ts";
import { quoteText } from "../statement/quote.ts";
import type { Database } from "./database.ts";
import type { CallOptions } from "./duckdb.ts";
import { thrownProblem } from "./duckdb-error.ts";
import { failureOfFiles } from "./failure-of-files.ts";
import { setFiles } from "./views/create-views.ts";
import type { FileGroup, QueryColumn } from "./views/scan-table.ts";
import type { Scratch } from "./views/scratch.ts";

/** The variable with the files that a query reads. */
const FILES = "parquetry_schema_files";
/** Schemas that are remembered; beyond this the oldest are forgotten. */
const MAX_REMEMBERED = 200_000;

/** The codecs that DuckDB decompresses. `LZ4` is Hadoop's, which Spark and Hive wrote. */
const READABLE_CODECS = "'UNCOMPRESSED', 'SNAPPY', 'GZIP', 'BROTLI', 'ZSTD', 'LZ4_RAW'";
const ENCRYPTED = "is encrypted, which is not supported. Decrypt it first.";

/** Reads the footers of files, remembers their schemas, and groups files of the same schema. */
export class FileSchemas {
  readonly #database: Database;
  readonly #scratch: Scratch;
  /** By the version of a file, the signature of its schema. */
  readonly #signatures = new Map<string, string>();
  /** By file, the name of the group of files that it belongs to. */
  readonly #groupNames = new WeakMap<ScanFile, string>();
  /** By signature, the columns. */
  readonly #columns = new Map<string, readonly QueryColumn[]>();

  constructor(database: Database, scratch: Scratch) {
    this.#database = database;
    this.#scratch = scratch;
  }

  /** Groups files by their schema and their partition keys, in the order in which these first occur. */
  async group(files: readonly ScanFile[], options: CallOptions): Promise<readonly FileGroup[]> {
    await this.#read(
      files.filter(({ version }) => !this.#signatures.has(version)),
      options,
    );
    const groups = await groupBy(files, (file) => {
      const known = this.#groupNames.get(file);
      if (known !== undefined) return known;
      const { version, kind, key, path, entries, nullColumns } = file;
      // DuckDB wants the same `key=` folders in all paths of a scan; the path of a cached file has none.
      const isInPlace = path.endsWith(key.slice(key.lastIndexOf("/") + 1));
      const folders = isInPlace && unseenKeys(key);
      const names = entries.map(([name]) => name);
      const name = JSON.stringify([this.#signatures.get(version), kind, folders, names, nullColumns]);
      this.#groupNames.set(file, name);
      return name;
    });
    return [...groups.values()].map((members) => {
      const columns = this.#columns.get(this.#signatures.get(members[0]?.version ?? "") ?? "") ?? [];
      const names = new Set(columns.map(({ name }) => foldName(name)));
      const missing = (members[0]?.nullColumns ?? []).filter((name) => !names.has(foldName(name)));
      return { files: members, columns: [...columns, ...missing.map((name) => ({ name, type: "NULL" }))] };
    });
  }

  /** True where the statistics of the row groups prove that a column is NULL throughout. */
  async isAllNull(group: FileGroup, column: string, options: CallOptions): Promise<boolean> {
    const [row] = await this.#rows(
      group.files,
      `SELECT count(*), count(*) FILTER (path_in_schema = ${quoteText(column)}),
         count(*) FILTER (path_in_schema = ${quoteText(column)} AND stats_null_count = num_values)
       FROM parquet_metadata(getvariable('${FILES}'))`,
      options,
    );
    const [chunks, ofColumn, allNull] = (row ?? []).map(Number);
    return chunks === 0 || (ofColumn !== undefined && ofColumn > 0 && ofColumn === allNull);
  }

  /** What DuckDB lacks to read a file. Undefined where its footer names nothing, or cannot be read. */
  async lacks(file: ScanFile, options: CallOptions): Promise<string | undefined> {
    let found: DuckDBValue[] | undefined;
    try {
      [found] = await this.#run(
        [file],
        `SELECT compression, compression NOT IN (${READABLE_CODECS}) FROM parquet_metadata(getvariable('${FILES}'))
         WHERE compression NOT IN (${READABLE_CODECS})
           OR (contains(encodings, 'BYTE_STREAM_SPLIT') AND type NOT IN ('FLOAT', 'DOUBLE')) LIMIT 1`,
        options,
      );
    } catch (error) {
      if (isStorageError(error, "aborted")) throw error;
      return thrownProblem(error).code === "not_supported" ? ENCRYPTED : undefined;
    }
    const encryption = `SELECT encryption_algorithm FROM parquet_file_metadata(getvariable('${FILES}')) WHERE encryption_algorithm IS NOT NULL`;
    // DuckDB 1.5 fails on the binary identifier of most encrypted files, which the footers of others do not have.
    const isEncrypted = await this.#run([file], encryption, options).then(
      (rows) => rows.length > 0,
      unlessAborted,
    );
    if (isEncrypted) return ENCRYPTED;
    if (found === undefined) return undefined;
    const [codec, isCodec] = found;
    const lacking =
      isCodec === true
        ? `the codec ${codec}`
        : "the encoding BYTE_STREAM_SPLIT on another type than FLOAT and DOUBLE";
    return `uses ${lacking}, which DuckDB cannot read. Read it with readParquet or readIndex, or write it again with another one.`;
  }

  async #read(files: readonly ScanFile[], options: CallOptions): Promise<void> {
    if (files.length === 0) return;
    // DuckDB takes 100 µs for a footer, comparing its bytes takes 10.
    const alike = await groupBy(files, footerComparer());
    const ofFirst = await this.#signaturesOf(
      [...alike.values()].flatMap(([first]) => first ?? []),
      options,
    );
    for (const members of alike.values()) {
      const signature = ofFirst.get(members[0]?.version ?? "") ?? "";
      await forEachYielding(members, ({ version }) => this.#remember(version, signature));
    }
  }

  /** The signature of the schema of each file, by its version. */
  async #signaturesOf(
    files: readonly ScanFile[],
    options: CallOptions,
  ): Promise<ReadonlyMap<string, string>> {
    const byPath = new Map(await mapYielding(files, (file) => [this.#plainPath(file), file] as const));
    const found = await this.#rows(
      files,
      `SELECT file_name, md5(string_agg(concat_ws(chr(31), name, coalesce(num_children, 0), coalesce(type, ''),
         coalesce(duckdb_type, ''), coalesce(logical_type, ''), coalesce(converted_type, '')), chr(30)
         ORDER BY column_id))
       FROM parquet_schema(getvariable('${FILES}')) WHERE column_id > 0 GROUP BY file_name`,
      options,
    );
    // A file without columns has no row in the result.
    const signatures = new Map(await mapYielding(files, ({ version }) => [version, ""] as [string, string]));
    for (const [name, text] of found) {
      const [file, signature] = [byPath.get(String(name)), String(text)];
      if (file === undefined) continue;
      signatures.set(file.version, signature);
      if (!this.#columns.has(signature)) this.#columns.set(signature, await this.#describe(file, options));
    }
    return signatures;
  }

  async #describe(file: ScanFile, options: CallOptions): Promise<readonly QueryColumn[]> {
    const columns = await this.#rows(
      [file],
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(getvariable('${FILES}'), hive_partitioning = false))`,
      options,
    );
    const untyped = await this.#rows(
      [file],
      `SELECT name FROM parquet_schema(getvariable('${FILES}')) WHERE duckdb_type = '"NULL"'`,
      options,
    );
    const nullNames = new Set(untyped.map(([name]) => String(name)));
    return columns.map(([name, type]) => ({
      name: String(name),
      type: nullNames.has(String(name)) ? "NULL" : String(type),
    }));
  }

  #plainPath({ kind, footerPath, path, version }: ScanFile): string {
    return kind === "remote" ? path : this.#scratch.hivePath([], [], footerPath ?? path, version);
  }

  #remember(version: string, signature: string): void {
    this.#signatures.set(version, signature);
    if (this.#signatures.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#signatures.keys();
    if (oldest !== undefined) this.#signatures.delete(oldest);
  }

  /** The rows of a query over the footers of files. */
  async #rows(files: readonly ScanFile[], sql: string, options: CallOptions): Promise<DuckDBValue[][]> {
    try {
      return await this.#run(files, sql, options);
    } catch (error) {
      throw await failureOfFiles(error, {
        files,
        isFooters: true,
        readable: (message) => this.#scratch.readable(message),
        fails: (suspects) =>
          this.#run(suspects, `SELECT count(*) FROM parquet_schema(getvariable('${FILES}'))`, options).then(
            () => false,
            unlessAborted,
          ),
        lacks: (file) => this.lacks(file, options),
      });
    }
  }

  async #run(files: readonly ScanFile[], sql: string, options: CallOptions): Promise<DuckDBValue[][]> {
    return this.#database.withConnection(async (connection) => {
      await setFiles(connection, FILES, await mapYielding(files, (file) => this.#plainPath(file)));
      const result = await connection.run(sql);
      const chunks = await mapYielding(
        Array.from({ length: result.chunkCount }, (_, i) => i),
        (i) => result.getChunk(i).getRows(),
      );
      return chunks.flat();
    }, options);
  }
}

/** The facts of a file that cannot be read. */
function unlessAborted(error: unknown): true {
  if (isStorageError(error, "aborted")) throw error;
  return true;
}
