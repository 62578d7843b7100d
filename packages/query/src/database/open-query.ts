import { realpath } from "node:fs/promises";
import {
  abilitiesOf,
  checkOptions,
  type ObjectAccess,
  type Storage,
  type StorageBackend,
  StorageError,
} from "@parquetry/core";
import { defaultCacheDirectory } from "@parquetry/core/backend";
import { openEmbeddedDuckDb } from "../duckdb/embedded-duckdb.ts";
import { openIsolatedDuckDb } from "../duckdb/isolated/isolated-duckdb.ts";
import { FileCache } from "../files/file-cache.ts";
import { FileSource } from "../files/file-source.ts";
import { objectUrl } from "../files/object-url.ts";
import { checkDeclaredTypes } from "./declared-types.ts";
import { QueryDatabase } from "./query-database.ts";
import { OPEN_QUERY_OPTIONS, type OpenQueryOptions } from "./query-options.ts";

/**
 * Opens the entities of a storage for SQL, in an embedded DuckDB. Nothing is read yet. The storage stays the caller's to
 * close.
 *
 * @throws StorageError `invalid_argument` for a declared type that is none; `not_supported` where httpfs is asked for and
 * cannot be had.
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
  checkOptions(options, OPEN_QUERY_OPTIONS, "openQuery");
  checkDeclaredTypes("hiveTypes", options.hiveTypes);
  checkDeclaredTypes("columnTypes", options.columnTypes);
  const { backend } = storage;
  const cache = await FileCache.open(
    options.cacheDirectory ?? defaultCacheDirectory(),
    options.cacheMaxBytes,
  );
  const roots = cache.isUsable ? [cache.path] : [];
  if (backend.name === "local") roots.unshift(await realpath(backend.url()));
  const { trusted = false, memoryLimit, threads } = options;
  const access = options.remote === "httpfs" ? await accessOf(backend) : undefined;
  const httpfs = access && { extension: options.httpfsExtension, scope: objectUrl(access, "") };
  const create = options.isolate === true ? openIsolatedDuckDb : openEmbeddedDuckDb;
  const engine = await create({ roots, trusted, memoryLimit, threads, httpfs });
  const source = new FileSource(
    backend,
    cache,
    options.csv ?? {},
    access && ((key) => objectUrl(access, key)),
  );
  return new QueryDatabase(storage, engine, source, options);
}

async function accessOf(backend: StorageBackend): Promise<ObjectAccess | undefined> {
  if (backend.name === "local") return undefined;
  const { directAccess } = abilitiesOf(backend);
  if (directAccess !== undefined) return directAccess.access();
  throw new StorageError({
    code: "not_supported",
    op: "openQuery",
    backend: backend.name,
    message: `openQuery: remote: "httpfs" reads from S3 and R2; the backend ${backend.name} cannot hand its objects to another program. Leave the option out.`,
  });
}
