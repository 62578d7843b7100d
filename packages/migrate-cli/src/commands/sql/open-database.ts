import type { Storage } from "@parquetry/core";
import type { OpenQueryOptions, QueryDatabase } from "@parquetry/query";
import { formatFiles } from "../../terminal/format-amount.ts";
import type { CommandContext } from "../command-context.ts";
import { usageError } from "../command-context.ts";
import { requireDuckDb } from "../find-duckdb.ts";
import { absolute } from "../open-places.ts";
import { type CsvFlags, csvOptions } from "./csv-flags.ts";

/** The flags that declare types, as `table.column=TYPE`. */
export interface TypeFlags {
  readonly columnType?: readonly string[];
  readonly keyType?: readonly string[];
}

/** Opens a place, or the configured storage where none is given, and a database over it, runs something with them, and closes both. */
export async function withDatabase<T>(
  context: CommandContext,
  flags: TypeFlags & CsvFlags,
  run: (db: QueryDatabase, storage: Storage) => Promise<T>,
  {
    place,
    backend,
    ...options
  }: Pick<OpenQueryOptions, "remote" | "httpfsExtension" | "engine"> & {
    readonly place?: string | undefined;
    readonly backend?: "local" | undefined;
  } = {},
): Promise<T> {
  const { env, envPrefix, cacheFolder } = context;
  const csv = csvOptions(flags);
  if (options.engine === undefined) requireDuckDb(context.command);
  const { openQuery } = await import("@parquetry/query");
  const { getStorage, openStorage } = await import("@parquetry/storage");
  await using storage =
    place === undefined
      ? await getStorage({ env, envPrefix, backend })
      : await openStorage(absolute(context, place), { env, envPrefix });
  const types = await declaredTypes(flags, storage);
  const onUnreadableFolder: OpenQueryOptions["onUnreadableFolder"] = ({ path, error }) =>
    context.warn(`${path} cannot be read (${error.code}); only queries that need it fail`);
  const onStrays: OpenQueryOptions["onStrays"] = ({ entity, keys }) =>
    context.warn(
      `${entity}: ${formatFiles(keys.length)} ${keys.length === 1 ? "is" : "are"} not read, such as ${keys[0]}; parquetry doctor lists such files`,
    );
  await using db = await openQuery(
    storage,
    options.engine === undefined
      ? { cacheDirectory: cacheFolder, onUnreadableFolder, onStrays, csv, ...options, ...types }
      : { engine: options.engine },
  );
  return await run(db, storage);
}

async function declaredTypes(
  { columnType = [], keyType = [] }: TypeFlags,
  { backend }: Storage,
): Promise<Pick<OpenQueryOptions, "columnTypes" | "hiveTypes">> {
  if (columnType.length + keyType.length === 0) return {};
  const { resolveTable } = await import("@parquetry/query/unstable");
  const { listEntities } = await import("@parquetry/core/unstable/tables");
  const entities = await listEntities(backend);
  const parse = (flag: string, given: readonly string[]): Record<string, Record<string, string>> => {
    const types: Record<string, Record<string, string>> = {};
    for (const each of given) {
      const [, table, column, type] = /^([^.=]+)\.([^=]+)=(.+)$/.exec(each) ?? [];
      if (table === undefined || column === undefined || type === undefined)
        throw usageError(`${flag} must be table.column=TYPE, got ${JSON.stringify(each)}.`);
      const entity = resolveTable(table, entities);
      types[entity] = { ...types[entity], [column]: type };
    }
    return types;
  };
  return { columnTypes: parse("--column-type", columnType), hiveTypes: parse("--key-type", keyType) };
}
