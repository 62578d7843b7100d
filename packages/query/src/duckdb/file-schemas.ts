import type { DuckDBInstance, DuckDBValue } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import { mapYielding } from "../files/map-yielding.ts";
import { isObjectUrl } from "../files/object-url.ts";
import { quoteText } from "../statement/quote.ts";
import type { FileGroup, QueryColumn, ScanFile } from "./duckdb.ts";
import { duckDbError } from "./duckdb-error.ts";
import { findBrokenFile } from "./find-broken-file.ts";
import type { Scratch } from "./views/scratch.ts";
import { setFiles } from "./views/set-files.ts";
import { withKeys } from "./with-keys.ts";

/** The variable that holds the files of a question. */
const FILES = "parquetry_schema_files";
/** Schemas that are remembered; beyond it the oldest are forgotten. */
const MAX_REMEMBERED = 200_000;

/** Reads the footers of files, remembers what it saw, and groups files that look alike. */
export class FileSchemas {
  readonly #instance: DuckDBInstance;
  readonly #scratch: Scratch;
  /** By the version of a file, the signature of its schema. */
  readonly #signatures = new Map<string, string>();
  /** By signature, the columns. */
  readonly #columns = new Map<string, readonly QueryColumn[]>();

  constructor(instance: DuckDBInstance, scratch: Scratch) {
    this.#instance = instance;
    this.#scratch = scratch;
  }

  /** Groups files by schema and by the partition keys they have, in the order in which they are met. */
  async group(files: readonly ScanFile[]): Promise<readonly FileGroup[]> {
    await this.#read(files.filter(({ version }) => !this.#signatures.has(version)));
    const groups = new Map<string, ScanFile[]>();
    await mapYielding(files, (file) => {
      const signature = this.#signatures.get(file.version) ?? "";
      const name = JSON.stringify([signature, isObjectUrl(file.path), file.entries.map(([key]) => key)]);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [file]);
      else group.push(file);
    });
    return [...groups.values()].map((members) => ({
      files: members,
      columns: this.#columns.get(this.#signatures.get(members[0]?.version ?? "") ?? "") ?? [],
    }));
  }

  /** True where the row groups' statistics prove that a column holds nothing but NULL. */
  async isAllNull(group: FileGroup, column: string): Promise<boolean> {
    const paths = group.files.map((file) => this.#plainPath(file));
    const [row] = await this.#rows(
      `SELECT count(*), count(*) FILTER (path_in_schema = ${quoteText(column)}),
         count(*) FILTER (path_in_schema = ${quoteText(column)} AND stats_null_count = num_values)
       FROM parquet_metadata(getvariable('${FILES}'))`,
      paths,
    );
    const [chunks, ofColumn, allNull] = (row ?? []).map(Number);
    return chunks === 0 || (ofColumn !== undefined && ofColumn > 0 && ofColumn === allNull);
  }

  async #read(files: readonly ScanFile[]): Promise<void> {
    if (files.length === 0) return;
    const byPath = new Map(await mapYielding(files, (file) => [this.#plainPath(file), file] as const));
    const seen = new Set<string>();
    const found = await this.#rowsOf(
      files,
      `SELECT file_name, md5(string_agg(concat_ws(chr(31), name, coalesce(num_children, 0), coalesce(type, ''),
         coalesce(duckdb_type, ''), coalesce(logical_type, ''), coalesce(converted_type, '')), chr(30)
         ORDER BY column_id))
       FROM parquet_schema(getvariable('${FILES}')) WHERE column_id > 0 GROUP BY file_name`,
      [...byPath.keys()],
    );
    for (const [name, signature] of found) {
      const path = String(name);
      if (!this.#columns.has(String(signature))) {
        this.#columns.set(String(signature), await this.#describe(path));
      }
      seen.add(path);
    }
    await mapYielding(found, ([name, signature]) => {
      const file = byPath.get(String(name));
      if (file !== undefined) this.#remember(file.version, String(signature));
    });
    // A file without columns has no row in the answer.
    for (const [path, file] of byPath) if (!seen.has(path)) this.#remember(file.version, "");
  }

  async #describe(path: string): Promise<readonly QueryColumn[]> {
    const columns = await this.#rows(
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(getvariable('${FILES}'), hive_partitioning = false))`,
      [path],
    );
    const untyped = await this.#rows(
      `SELECT name FROM parquet_schema(getvariable('${FILES}')) WHERE duckdb_type = '"NULL"'`,
      [path],
    );
    const nullNames = new Set(untyped.map(([name]) => String(name)));
    return columns.map(([name, type]) => ({
      name: String(name),
      type: nullNames.has(String(name)) ? "NULL" : String(type),
    }));
  }

  #plainPath({ footerPath, path }: ScanFile): string {
    return this.#scratch.hivePath([], [], footerPath ?? path);
  }

  #remember(version: string, signature: string): void {
    this.#signatures.set(version, signature);
    if (this.#signatures.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#signatures.keys();
    if (oldest !== undefined) this.#signatures.delete(oldest);
  }

  /** A footer that cannot be read is a broken file, whatever DuckDB calls it. */
  async #rowsOf(files: readonly ScanFile[], sql: string, paths: readonly string[]): Promise<DuckDBValue[][]> {
    try {
      return await this.#rows(sql, paths);
    } catch (error) {
      const failed = duckDbError(error, "sql");
      const message = withKeys(failed.message, files);
      const code = failed.code === "invalid_argument" ? "corrupt" : failed.code;
      const isNamed = code !== "corrupt" || files.some(({ key }) => message.includes(key));
      const broken = isNamed ? undefined : await findBrokenFile(files, (some) => this.#isBroken(some));
      throw new StorageError({
        ...{ code, op: "sql", retry: "never", path: broken?.key },
        message:
          broken === undefined
            ? message
            : `${message}\nThe file is ${broken.key}: restore it from its source, or leave its partition out.`,
      });
    }
  }

  async #isBroken(files: readonly ScanFile[]): Promise<boolean> {
    const paths = files.map((file) => this.#plainPath(file));
    return this.#rows(`SELECT count(*) FROM parquet_schema(getvariable('${FILES}'))`, paths).then(
      () => false,
      () => true,
    );
  }

  async #rows(sql: string, paths: readonly string[]): Promise<DuckDBValue[][]> {
    const connection = await this.#instance.connect();
    try {
      await setFiles(connection, FILES, paths);
      const result = await connection.run(sql);
      const chunks = await mapYielding(
        Array.from({ length: result.chunkCount }, (_, i) => i),
        (i) => result.getChunk(i).getRows(),
      );
      return chunks.flat();
    } catch (error) {
      throw duckDbError(error, "sql", (text) => this.#scratch.readable(text));
    } finally {
      connection.closeSync();
    }
  }
}
