import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type Key,
  type PartitionEntry,
  type ReadCsvOptions,
  type StorageBackend,
  StorageError,
} from "@parquetry/core";
import type { ObjectInfo } from "@parquetry/core/backend";
import { createByteBudget, forEachYielding, mapConcurrent, yieldIfDue } from "@parquetry/core/unstable";
import {
  csvSchema,
  type DataFile,
  decodeCsv,
  encodeParquet,
  type Manifest,
  openCsvFile,
  parseManifest,
} from "@parquetry/core/unstable/tables";
import { foldName } from "../statement/fold-name.ts";
import type { CacheName, FileCache } from "./file-cache.ts";
import { mapYielding } from "./map-yielding.ts";
import type { NeededParts } from "./needed-bytes.ts";
import { isPlainUrl } from "./object-url.ts";
import { fetchPartial, findPartial, PARTIAL_FETCH_BYTES } from "./partial-file.ts";
import { PinnedFiles } from "./pinned-files.ts";
import type { ScanFile } from "./scan-file.ts";
import { checkReceived, fetchWhole, WHOLE_FETCH_BYTES } from "./whole-file.ts";

/** Manifests, or partitions, that are read concurrently. */
export const FETCH_CONCURRENCY = 32;
/** Files that are fetched concurrently, as far as their bytes fit into {@link FETCH_BYTES}. The backend may allow fewer. */
const FETCH_FILES = 128;
const FETCH_BYTES = 64 * 1024 * 1024;

/** Manifests that are remembered. */
const MAX_MANIFESTS = 100_000;
/** An empty CSV file becomes a Parquet file with this column, since a Parquet file needs one. */
const EMPTY_COLUMN = "parquetry_no_rows";
/** Part of the name of a cached CSV file. It changes whenever the same bytes become other rows. */
const CSV_AS_PARQUET = 2;
const TEXT_TYPE = /^(?:VARCHAR|TEXT|STRING|CHAR|BPCHAR)$/i;

/** A data file of the store and its partition. */
export interface StoredFile {
  readonly file: DataFile;
  readonly entries: readonly PartitionEntry[];
  /** The columns that its manifest has without a type: they are NULL throughout and were left out of the file. */
  readonly nullColumns?: readonly string[] | undefined;
}

export interface FetchCount {
  /** Files of which something was fetched from the store. */
  fetchedFiles: number;
  /** The bytes that were fetched. */
  fetchedBytes: number;
}

/** The parts of its files that a query needs. */
export interface FileNeeds {
  /** The columns and rows. Default: everything. */
  readonly parts?: NeededParts | undefined;
  /** Declared SQL types by column: such columns of CSV files are kept as strings, digit for digit. */
  readonly columnTypes?: Readonly<Record<string, string>> | undefined;
}

/** Options of {@link FileSource.fetch}. */
export interface FetchOptions extends FileNeeds {
  readonly signal?: AbortSignal | undefined;
  readonly count: FetchCount;
  /** Called when a file is ready. */
  readonly onFile?: ((file: StoredFile) => void) | undefined;
}

/**
 * Gets files of any store ready to scan: files in a directory are read in place, others are fetched into the cache, once per
 * version. CSV is decoded as `Storage.readCsv` does, and cached as Parquet.
 */
export class FileSource {
  readonly #backend: StorageBackend;
  readonly #cache: FileCache;
  readonly #csv: ReadCsvOptions;
  readonly #urlOf: ((key: Key) => string) | undefined;
  readonly #manifests: Map<string, Manifest>;
  readonly #pinned: PinnedFiles | undefined;
  readonly #budget = createByteBudget(FETCH_BYTES);
  /** By what was listed, the same object in each query, which DuckDB's process is then sent only once. */
  readonly #scanFiles = new WeakMap<ObjectInfo, ScanFile>();

  /** @param urlOf the URL of an object, if DuckDB reads the store directly. */
  constructor(
    backend: StorageBackend,
    cache: FileCache,
    csv: ReadCsvOptions,
    urlOf?: (key: Key) => string,
    pinned?: { readonly files: PinnedFiles; readonly manifests: Map<string, Manifest> },
  ) {
    this.#urlOf = urlOf;
    this.#backend = backend;
    this.#cache = cache;
    this.#csv = csv;
    this.#manifests = pinned?.manifests ?? new Map();
    this.#pinned = pinned?.files;
  }

  /** The store of the files. */
  get backend(): StorageBackend {
    return this.#backend;
  }

  /** True for the result of {@link FileSource.pinning}. */
  get isPinning(): boolean {
    return this.#pinned !== undefined;
  }

  /**
   * The same files; those that it has fetched stay readable after a writer has deleted them, until it is released. Local files are
   * kept open, or fetched into the cache where the system cannot open a deleted file.
   *
   * @param directory an existing directory that DuckDB may read.
   */
  pinning(directory: string): FileSource {
    const pinned = { files: new PinnedFiles(directory), manifests: this.#manifests };
    return new FileSource(this.#backend, this.#cache, this.#csv, this.#urlOf, pinned);
  }

  /** Releases the files that it has kept open. */
  async release(): Promise<void> {
    await this.#pinned?.release();
  }

  /** True where the files are on this machine. */
  get isLocal(): boolean {
    return this.#backend.name === "local";
  }

  /** Gets files ready to scan. */
  async fetch(files: readonly StoredFile[], options: FetchOptions): Promise<readonly ScanFile[]> {
    if (this.isLocal && !this.isPinning && files.every(({ file }) => file.format === "parquet")) {
      return mapYielding(files, (stored) => {
        options.onFile?.(stored);
        return this.#same(stored.file.info, this.#inPlace(stored));
      });
    }
    const ready = await this.#cache.getting(files.length, () =>
      mapConcurrent(files, FETCH_FILES, async (stored) => {
        const found = this.#same(stored.file.info, await this.#fetchOne(stored, options));
        options.onFile?.(stored);
        await yieldIfDue();
        return found;
      }),
    );
    await this.#cache.trim();
    return ready;
  }

  /** How many of these files are in the cache, so that reading them fetches nothing. */
  async countCached(files: readonly StoredFile[], needs: FileNeeds): Promise<number> {
    const cached = await mapConcurrent(files, FETCH_CONCURRENCY, (stored) => this.#isCached(stored, needs));
    return cached.filter(Boolean).length;
  }

  /**
   * Reads a partition's manifest, once per version.
   *
   * @throws StorageError `corrupt` where it is not a manifest.
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
    if (!this.isLocal) return readFileSync(await this.#cached(info, signal));
    const { body } = await this.#backend.get(info.key, { ifMatch: info.etag, signal });
    return body.bytes();
  }

  async #isCached({ file: { info, format } }: StoredFile, needs: FileNeeds): Promise<boolean> {
    const [cache, name] = [this.#cache, this.#nameOf(info)];
    await yieldIfDue();
    if (format === "csv") return cache.find(this.#nameOfCsv(info, needs)) !== undefined;
    if (this.isLocal || this.#remoteUrl(info) !== undefined) return false;
    if (cache.find(name) !== undefined) return true;
    const { parts } = needs;
    if (parts === undefined || info.sizeBytes < PARTIAL_FETCH_BYTES) return false;
    return findPartial({ cache, name, info, parts }) !== undefined;
  }

  #inPlace({ file: { info }, entries, nullColumns }: StoredFile): ScanFile {
    const known = this.#scanFiles.get(info);
    if (known !== undefined && !this.isPinning && isOfPartition(known, entries, nullColumns)) return known;
    const version = versionOf(info);
    const path = this.#pinned?.pathOf(version) ?? this.#backend.url(info.key);
    return { kind: "local", path, version, key: info.key, entries, nullColumns };
  }

  /** The object that was returned for the same file before, or this one. */
  #same(info: ObjectInfo, found: ScanFile): ScanFile {
    const known = this.#scanFiles.get(info);
    if (
      known !== undefined &&
      known.kind === found.kind &&
      known.path === found.path &&
      known.footerPath === found.footerPath &&
      known.version === found.version &&
      isOfPartition(known, found.entries, found.nullColumns)
    ) {
      return known;
    }
    this.#scanFiles.set(info, found);
    return found;
  }

  /** @throws StorageError `precondition_failed` where a key has another version by now, `not_found` where it has none. */
  async #checkVersion({ key, etag }: ObjectInfo, signal: AbortSignal | undefined): Promise<void> {
    if ((await this.#backend.head(key, { signal })).etag === etag) return;
    throw new StorageError({
      code: "precondition_failed",
      op: "sql",
      path: key,
      backend: this.#backend.name,
      message: `sql: ${key} was replaced after it was listed.`,
    });
  }

  async #fetchOne(stored: StoredFile, options: FetchOptions): Promise<ScanFile> {
    const { file, entries, nullColumns } = stored;
    const { info, format } = file;
    if (format === "csv") return this.#converted(stored, options);
    if (this.isLocal && !(this.isPinning && !PinnedFiles.isSupported)) {
      const check = (): Promise<void> => this.#checkVersion(info, options.signal);
      await this.#pinned?.pin(this.#backend.url(info.key), versionOf(info), info.key, check);
      return this.#inPlace(stored);
    }
    const named = { version: versionOf(info), key: info.key, entries, nullColumns };
    const url = this.#remoteUrl(info);
    if (url !== undefined) return { kind: "remote", path: url, ...named };
    let fetchedBytes = 0;
    const found = await this.#fetchParquet(info, options, (bytes) => {
      fetchedBytes += bytes;
    });
    const { count } = options;
    if (fetchedBytes > 0) count.fetchedFiles++;
    count.fetchedBytes += fetchedBytes;
    return { kind: "local", ...found, ...named };
  }

  /** The URL of an object that DuckDB reads directly. */
  #remoteUrl(info: ObjectInfo): string | undefined {
    const url = this.#urlOf?.(info.key);
    return url !== undefined && isPlainUrl(url) ? url : undefined;
  }

  async #fetchParquet(
    info: ObjectInfo,
    { parts, signal }: FetchOptions,
    onBytes: (bytes: number) => void,
  ): Promise<Pick<ScanFile, "path" | "footerPath">> {
    const [backend, cache, name] = [this.#backend, this.#cache, this.#nameOf(info)];
    if (parts !== undefined && info.sizeBytes >= PARTIAL_FETCH_BYTES) {
      const hit = cache.find(name);
      if (hit !== undefined) return { path: hit };
      const partial = await fetchPartial({ backend, cache, name, info, parts, signal, onBytes });
      if (partial !== undefined) return partial;
    }
    return { path: await this.#cached(info, signal, onBytes) };
  }

  #nameOf(info: ObjectInfo): CacheName {
    return { store: this.#backend.url(), key: info.key, etag: info.etag };
  }

  #nameOfCsv(info: ObjectInfo, { columnTypes = {} }: FileNeeds): CacheName {
    return {
      ...this.#nameOf(info),
      derived: `csv ${JSON.stringify([CSV_AS_PARQUET, this.#csv, columnTypes])}`,
    };
  }

  #cached(
    info: ObjectInfo,
    signal: AbortSignal | undefined,
    onBytes?: (bytes: number) => void,
  ): Promise<string> {
    const [backend, name] = [this.#backend, this.#nameOf(info)];
    if (info.sizeBytes >= WHOLE_FETCH_BYTES) {
      return this.#cache.make(name, (handle) => fetchWhole({ backend, handle, info, signal, onBytes }));
    }
    return this.#cache.get(name, async () => {
      const bytes = await this.#read(info, signal);
      onBytes?.(bytes.byteLength);
      return bytes;
    });
  }

  /** Reads an object, and checks that it is what the listing promised. */
  async #read(info: ObjectInfo, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const release = await this.#budget.take(info.sizeBytes);
    try {
      const { body } = await this.#backend.get(info.key, {
        ifMatch: info.etag,
        mayReuseMemory: true,
        signal,
      });
      const bytes = await body.bytes();
      checkReceived(info, bytes.byteLength, () => hash("md5", bytes));
      return bytes;
    } finally {
      release();
    }
  }

  async #converted({ file: { info }, entries }: StoredFile, options: FetchOptions): Promise<ScanFile> {
    const { signal, count, columnTypes = {} } = options;
    const name = this.#nameOfCsv(info, options);
    const path = await this.#cache.get(name, async () => {
      count.fetchedFiles++;
      count.fetchedBytes += info.sizeBytes;
      const csv = await openCsvFile(await this.#read(info, signal), info.key, this.#csv);
      return csvToParquet(csv.bytes, info.key, csv.options, columnTypes);
    });
    return { kind: "local", path, version: `${versionOf(info)} ${name.derived}`, key: info.key, entries };
  }
}

async function csvToParquet(
  bytes: Uint8Array,
  key: Key,
  options: ReadCsvOptions,
  columnTypes: Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  const { columns, rows } = await decodeCsv(bytes, key, options);
  const schema = new Map(csvSchema(columns).map((column) => [column.name, column]));
  const keepText = async (isKept: (type: string) => boolean, given: ReadCsvOptions): Promise<void> => {
    const kept = new Set(
      Object.keys(columnTypes)
        .filter((name) => isKept(columnTypes[name] ?? ""))
        .map(foldName),
    );
    const names = [...schema.keys()].filter((name) => kept.has(foldName(name)));
    if (names.length === 0) return;
    const texts = await decodeCsv(bytes, key, { ...given, inferTypes: false, columns: names });
    for (const column of csvSchema(texts.columns)) schema.set(column.name, column);
    await forEachYielding(rows, (row, i) => Object.assign(row, texts.rows[i]));
  };
  await keepText((type) => TEXT_TYPE.test(type), options);
  // An empty string cannot be cast to another type.
  await keepText((type) => !TEXT_TYPE.test(type), { ...options, nullValues: options.nullValues ?? [""] });
  return encodeParquet(
    rows,
    schema.size === 0 ? [{ name: EMPTY_COLUMN, type: "null" }] : [...schema.values()],
  );
}

/** Whether a file has these partition values and these columns without a type. */
function isOfPartition(
  file: ScanFile,
  entries: ScanFile["entries"],
  nullColumns: ScanFile["nullColumns"],
): boolean {
  return (
    file.entries.length === entries.length &&
    file.entries.every(([name, value], i) => name === entries[i]?.[0] && value === entries[i]?.[1]) &&
    (file.nullColumns === nullColumns ||
      JSON.stringify(file.nullColumns ?? null) === JSON.stringify(nullColumns ?? null))
  );
}

/** A name for a version of an object, which changes with its content. */
function versionOf(info: ObjectInfo): string {
  return `${info.key}\n${info.etag}`;
}
