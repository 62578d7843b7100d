import { mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Storage, type StorageBackend, StorageError } from "@parquetry/core";
import { abilitiesOf } from "@parquetry/core/backend";
import { checkBackend, defaultCacheDirectory, type ObjectAccess } from "@parquetry/core/unstable";
import type { DuckDb, DuckDbOptions } from "../duckdb/duckdb.ts";
import { openIsolatedDuckDb } from "../duckdb/isolated/isolated-duckdb.ts";
import { nativeLibraryProblem } from "../duckdb/native-library.ts";
import { FileCache } from "../files/file-cache.ts";
import { FileSource } from "../files/file-source.ts";
import { objectUrl } from "../files/object-url.ts";
import { makeTemporaryFolder } from "../files/temporary-folder.ts";
import { DuckDbEngine } from "./duckdb-engine.ts";
import { QueryDatabase } from "./query-database.ts";
import { checkOpenQueryOptions, type OpenQueryOptions } from "./query-options.ts";

/**
 * Opens the entities of a storage for SQL in an embedded DuckDB, or another `engine`, without reading anything. The caller closes the storage.
 *
 * @throws StorageError `invalid_argument` for an argument of the wrong kind; `not_supported` where httpfs is asked for and cannot
 * be used.
 * @example
 * ```ts
 * await using db = await openQuery(storage);
 * const { rows, stats } = await db.sql(
 *   "SELECT team, avg(yards) AS yards FROM plays WHERE year = $year AND week BETWEEN 1 AND 4 GROUP BY team",
 *   { year: 2024 },
 * );
 * ```
 */
export async function openQuery(storage: Storage, options: OpenQueryOptions = {}): Promise<QueryDatabase> {
  const { backend } = storage ?? {};
  checkBackend(backend, "storage.backend", "openQuery");
  checkOpenQueryOptions(options);
  const { engine } = options;
  if (engine !== undefined) return new QueryDatabase(await engine.open(storage), engine.name);
  const cache = await FileCache.open(
    options.cacheDirectory ?? defaultCacheDirectory(),
    options.cacheMaxBytes,
  );
  const access = options.remote === "httpfs" ? await directAccess(backend) : undefined;
  const httpfs = access && { extension: options.httpfsExtension, scope: objectUrl(access, "") };
  const temporary = await makeTemporaryFolder();
  const pinned = join(temporary, "pinned");
  await mkdir(pinned);
  const roots = cache.isUsable ? [cache.path, pinned] : [pinned];
  if (backend.name === "local") roots.unshift(await realpath(backend.url()));
  const { trusted = false, isolate = !trusted, memoryLimit, threads } = options;
  const open = isolate ? openIsolatedDuckDb : openInThisProcess;
  const duckdb = await open({
    roots,
    trusted,
    memoryLimit,
    threads,
    httpfs,
    scratchDirectory: temporary,
  }).catch(async (error) => {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  });
  const source = new FileSource(
    backend,
    cache,
    options.csv ?? {},
    access && ((key) => objectUrl(access, key)),
  );
  return new QueryDatabase(new DuckDbEngine(storage, duckdb, source, { temporary, pinned }, options));
}

/** DuckDB is loaded here and in the child process only: it takes longer than everything else. */
async function openInThisProcess(options: DuckDbOptions): Promise<DuckDb> {
  // Asked first: in Node 20, nothing catches the error of a CommonJS module that a dynamically imported module imports.
  const problem = nativeLibraryProblem();
  if (problem !== undefined) throw problem;
  const { openEmbeddedDuckDb } = await import("../duckdb/embedded-duckdb.ts");
  const scratchDirectory = join(options.scratchDirectory, "duckdb");
  await mkdir(scratchDirectory);
  return openEmbeddedDuckDb({ ...options, scratchDirectory });
}

async function directAccess(backend: StorageBackend): Promise<ObjectAccess | undefined> {
  if (backend.name === "local") return undefined;
  const ability = abilitiesOf(backend).directAccess;
  if (ability !== undefined) return ability.access();
  throw new StorageError({
    code: "not_supported",
    op: "openQuery",
    backend: backend.name,
    message: `openQuery: remote: "httpfs" needs S3 or R2: the backend ${backend.name} gives other programs no access to its objects. Remove the option.`,
  });
}
