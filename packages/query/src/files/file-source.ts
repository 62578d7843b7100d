import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  type DataFile,
  encodeParquet,
  inferColumns,
  type Key,
  type Manifest,
  type ObjectInfo,
  type PartitionEntry,
  parseManifest,
  type ReadCsvOptions,
  Storage,
  type StorageBackend,
  StorageError,
} from "@parquetry/core";
import { mapConcurrent, objectBody } from "@parquetry/core/backend";
import type { ScanFile } from "../duckdb/duckdb.ts";
import type { FileCache } from "./file-cache.ts";
import { mapYielding } from "./map-yielding.ts";
import type { NeededParts } from "./needed-bytes.ts";
import { isPlainUrl } from "./object-url.ts";
import { fetchPartial, findPartial, PARTIAL_FETCH_BYTES } from "./partial-file.ts";

/** Objects fetched at once. */
export const FETCH_CONCURRENCY = 32;

/** Manifests that are remembered. */
const MAX_MANIFESTS = 100_000;

/** A data file of the store and its partition. */
export interface StoredFile {
  readonly file: DataFile;
  readonly entries: readonly PartitionEntry[];
}

/** What was done to bring files here. */
export interface FetchCount {
  /** Files that were fetched from the store. */
  fetchedFiles: number;
  /** Their bytes. */
  fetchedBytes: number;
  /** Files that were in the cache already. */
  cacheHits: number;
}

/** Options of {@link FileSource.fetch}. */
export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly count: FetchCount;
  /** Called when a file is here. */
  readonly onFile?: ((file: StoredFile) => void) | undefined;
  /** What of the files is needed. Default: everything. */
  readonly parts?: NeededParts | undefined;
  /** CSV columns whose type the caller has given: they are kept as text, digit for digit. */
  readonly textColumns?: readonly string[] | undefined;
}

/**
 * Brings files of any store to this machine: those of a directory are read in place, others are fetched into the cache,
 * each once for each version. CSV is converted to Parquet by the rules of `Storage.readCsv`, and kept in the cache as such.
 */
export class FileSource {
  readonly #backend: StorageBackend;
  readonly #cache: FileCache;
  readonly #csv: ReadCsvOptions;
  readonly #urlOf: ((key: Key) => string) | undefined;
  readonly #manifests = new Map<string, Manifest>();

  /** @param urlOf where the engine reads objects of the store by itself: not here, but there. */
  constructor(backend: StorageBackend, cache: FileCache, csv: ReadCsvOptions, urlOf?: (key: Key) => string) {
    this.#urlOf = urlOf;
    this.#backend = backend;
    this.#cache = cache;
    this.#csv = csv;
  }

  /** True where the files lie on this machine. */
  get isLocal(): boolean {
    return this.#backend.name === "local";
  }

  /** Brings files here. */
  async fetch(files: readonly StoredFile[], options: FetchOptions): Promise<readonly ScanFile[]> {
    if (this.isLocal && files.every(({ file }) => file.format === "parquet")) {
      return mapYielding(files, (stored) => {
        options.onFile?.(stored);
        return this.#inPlace(stored);
      });
    }
    const local = await mapConcurrent(files, FETCH_CONCURRENCY, async (stored) => {
      const fetched = await this.#fetchOne(stored, options);
      options.onFile?.(stored);
      return fetched;
    });
    await this.#cache.trim();
    return local;
  }

  /** How many of these files need not be fetched. */
  async countHere(files: readonly StoredFile[], parts?: NeededParts): Promise<number> {
    if (this.isLocal) return files.length;
    const [cache, here] = [this.#cache, { count: 0 }];
    await mapConcurrent(files, FETCH_CONCURRENCY, async ({ file: { info } }) => {
      const name = this.#nameOf(info);
      const whole = await cache.find(name);
      const isPartial = parts !== undefined && info.sizeBytes >= PARTIAL_FETCH_BYTES;
      const found = whole ?? (isPartial ? await findPartial({ cache, name, info, parts }) : undefined);
      if (found !== undefined) here.count++;
    });
    return here.count;
  }

  /**
   * A partition's manifest, read once for each version.
   *
   * @throws StorageError `corrupt` where it is none.
   */
  async readManifest(info: ObjectInfo, signal: AbortSignal | undefined): Promise<Manifest> {
    const version = versionOf(info);
    const known = this.#manifests.get(version);
    if (known !== undefined) return known;
    const manifest = parseManifest(await this.#readBytes(info, signal), info.key);
    this.#manifests.set(version, manifest);
    if (this.#manifests.size > MAX_MANIFESTS) {
      const [oldest] = this.#manifests.keys();
      if (oldest !== undefined) this.#manifests.delete(oldest);
    }
    return manifest;
  }

  async #readBytes(info: ObjectInfo, signal: AbortSignal | undefined): Promise<Uint8Array> {
    if (!this.isLocal) return readFile(await this.#cached(info, signal));
    const { body } = await this.#backend.get(info.key, { ifMatch: info.etag, signal });
    return body.bytes();
  }

  #inPlace({ file: { info }, entries }: StoredFile): ScanFile {
    return { path: this.#backend.url(info.key), version: versionOf(info), key: info.key, entries };
  }

  async #fetchOne(stored: StoredFile, options: FetchOptions): Promise<ScanFile> {
    const { file, entries } = stored;
    const { info, format } = file;
    const { count } = options;
    if (format === "csv") return this.#converted(info, entries, options);
    if (this.isLocal) return this.#inPlace(stored);
    const url = this.#urlOf?.(info.key);
    if (url !== undefined && isPlainUrl(url)) {
      return { path: url, version: versionOf(info), key: info.key, entries };
    }
    let fetchedBytes = 0;
    const found = await this.#fetchParquet(info, options, (bytes) => {
      fetchedBytes += bytes;
    });
    if (fetchedBytes === 0) count.cacheHits++;
    else count.fetchedFiles++;
    count.fetchedBytes += fetchedBytes;
    return { ...found, version: versionOf(info), key: info.key, entries };
  }

  async #fetchParquet(
    info: ObjectInfo,
    { parts, signal }: FetchOptions,
    onBytes: (bytes: number) => void,
  ): Promise<Pick<ScanFile, "path" | "footerPath">> {
    const [backend, cache, name] = [this.#backend, this.#cache, this.#nameOf(info)];
    const hit = await cache.find(name);
    if (hit !== undefined) return { path: hit };
    if (parts !== undefined && info.sizeBytes >= PARTIAL_FETCH_BYTES) {
      const partial = await fetchPartial({ backend, cache, name, info, parts, signal, onBytes });
      if (partial !== undefined) return partial;
    }
    const path = await this.#cached(info, signal);
    onBytes(info.sizeBytes);
    return { path };
  }

  #nameOf(info: ObjectInfo): { readonly store: string; readonly key: string; readonly etag: string } {
    return { store: this.#backend.url(), key: info.key, etag: info.etag };
  }

  #cached(info: ObjectInfo, signal: AbortSignal | undefined): Promise<string> {
    return this.#cache.get(this.#nameOf(info), async () => {
      const { body } = await this.#backend.get(info.key, { ifMatch: info.etag, signal });
      return verified(body, info, this.#backend.name);
    });
  }

  async #converted(
    info: ObjectInfo,
    entries: readonly PartitionEntry[],
    { signal, count, textColumns = [] }: FetchOptions,
  ): Promise<ScanFile> {
    const derived = `csv ${JSON.stringify([this.#csv, textColumns])}`;
    const name = { ...this.#nameOf(info), derived };
    const hit = await this.#cache.find(name);
    if (hit !== undefined) count.cacheHits++;
    const path =
      hit ??
      (await this.#cache.get(name, async () => {
        count.fetchedFiles++;
        count.fetchedBytes += info.sizeBytes;
        return this.#convert(info, textColumns, signal);
      }));
    return { path, version: `${versionOf(info)} ${derived}`, key: info.key, entries };
  }

  async #convert(
    info: ObjectInfo,
    textColumns: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { body } = await this.#backend.get(info.key, { ifMatch: info.etag, signal });
    const bytes = await body.bytes();
    const storage = new Storage(oneObject(this.#backend, info, bytes));
    const rows = await storage.readCsv(info.key, { ...this.#csv, signal });
    const folded = new Set(textColumns.map((column) => column.toLowerCase()));
    const texts = Object.keys(rows[0] ?? {}).filter((column) => folded.has(column.toLowerCase()));
    if (texts.length > 0) {
      const asText = await storage.readCsv(info.key, {
        ...this.#csv,
        signal,
        inferTypes: false,
        columns: texts,
      });
      for (const [i, row] of rows.entries()) Object.assign(row, asText[i]);
    }
    // A CSV file with a header only: one column that nobody can name keeps it a readable Parquet file.
    const columns = rows.length === 0 ? [{ name: EMPTY_COLUMN, type: "null" as const }] : inferColumns(rows);
    return single(encodeParquet(rows, columns));
  }
}

const EMPTY_COLUMN = "parquetry_no_rows";

/** Names a version of an object, so that a change is noticed. */
function versionOf(info: ObjectInfo): string {
  return `${info.key}\n${info.etag}`;
}

/** A backend that answers for one object that is already here, so that core's CSV reader reads exactly that version. */
function oneObject(backend: StorageBackend, info: ObjectInfo, bytes: Uint8Array): StorageBackend {
  return {
    name: backend.name,
    capabilities: backend.capabilities,
    url: (key) => backend.url(key),
    head: async () => info,
    get: async () => ({ info, body: objectBody(single(bytes), async () => {}) }),
    put: (key, body, options) => backend.put(key, body, options),
    list: (options) => backend.list(options),
    delete: (keys, options) => backend.delete(keys, options),
    copy: (from, to, options) => backend.copy(from, to, options),
    close: async () => {},
  };
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Passes chunks on and fails at the end where they are not what the listing promised. */
async function* verified(
  body: AsyncIterable<Uint8Array>,
  info: ObjectInfo,
  backend: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("md5");
  let bytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    bytes += chunk.byteLength;
    yield chunk;
  }
  const problem =
    bytes !== info.sizeBytes
      ? `${bytes} bytes came, the listing says ${info.sizeBytes}`
      : info.md5 !== undefined && info.md5 !== hash.digest("hex")
        ? "its content has another MD5 than the listing says"
        : undefined;
  if (problem === undefined) return;
  throw new StorageError({
    code: "corrupt",
    op: "sql",
    path: info.key,
    backend,
    message: `sql: ${info.key} did not arrive whole: ${problem}. Run the query again.`,
  });
}
