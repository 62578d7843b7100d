import { isStorageError, type Key, parseKey, type StorageBackend, StorageError } from "@parquetry/core";
import type { UnreadableEntry } from "@parquetry/core/unstable";
import { listEntities, looksLikeData } from "@parquetry/core/unstable/tables";
import type { DuckDb } from "../duckdb/duckdb.ts";
import { type ColumnsDescription, describeColumns } from "./describe-columns.ts";
import type { DeclaredTypes } from "./key-types.ts";
import { resolveTable } from "./resolve-table.ts";
import { type DeclaredTable, readTableFacts, type TableFacts, type TableReader } from "./table-facts.ts";

export interface CatalogOptions {
  readonly backend: StorageBackend;
  readonly duckdb: DuckDb;
  /** Called once for each folder that could not be read when the tables were listed. */
  readonly onUnreadableFolder?: ((entry: UnreadableEntry) => void) | undefined;
  /** By entity, the types that the caller has declared. */
  readonly declared: {
    readonly hiveTypes?: Readonly<Record<string, DeclaredTypes>> | undefined;
    readonly columnTypes?: Readonly<Record<string, DeclaredTypes>> | undefined;
  };
}

/** How an entity is read for its facts. */
export type CatalogReader = Omit<TableReader, "duckdb">;

/** The tables of a storage and what is known about each. Facts are read at first use and kept until {@link TableCatalog.forget}. */
export class TableCatalog {
  readonly #options: CatalogOptions;
  readonly #facts = new Map<Key, TableFacts>();
  #entities: readonly Key[] | undefined;
  /** By path, the errors of folders that could not be read when the tables were listed last. */
  #unreadable: ReadonlyMap<string, StorageError> = new Map();
  readonly #reported = new Set<string>();

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** Lists the entities. */
  async list(signal: AbortSignal | undefined): Promise<readonly Key[]> {
    const unreadable = new Map<string, StorageError>();
    const onUnreadable = (entry: UnreadableEntry): void => {
      unreadable.set(entry.path, entry.error);
      if (this.#reported.has(entry.path)) return;
      this.#reported.add(entry.path);
      this.#options.onUnreadableFolder?.(entry);
    };
    this.#entities = await listEntities(this.#options.backend, {
      signal,
      onUnreadableFolder: onUnreadable,
    });
    this.#unreadable = unreadable;
    return this.#entities;
  }

  /**
   * The entity that a table name means.
   *
   * @throws StorageError as {@link resolveTable}; the error of the folder, where the name means one that cannot be read.
   */
  async resolve(name: string, signal: AbortSignal | undefined): Promise<Key> {
    if (this.#entities !== undefined) {
      try {
        return resolveTable(name, this.#entities);
      } catch {
        // The table may have been written since.
      }
    }
    const entities = await this.list(signal);
    try {
      return resolveTable(name, entities);
    } catch (error) {
      for (const [path, unreadable] of this.#unreadable) {
        const [wanted, folder] = [name.toLowerCase(), path.toLowerCase()];
        // The table may be the folder, or in it.
        if (`/${folder}`.endsWith(`/${wanted}`) || wanted.startsWith(`${folder}/`)) throw unreadable;
      }
      throw (await this.#onlyStrays(name, entities, signal)) ?? error;
    }
  }

  /** The error of a name that means a folder, next to a table or by its whole name, whose data files are all of other formats. */
  async #onlyStrays(
    name: string,
    entities: readonly Key[],
    signal: AbortSignal | undefined,
  ): Promise<StorageError | undefined> {
    const parents = new Set(entities.map((entity) => entity.slice(0, entity.lastIndexOf("/") + 1)));
    for (const parent of new Set(["", ...parents])) {
      let prefix: Key;
      try {
        prefix = parseKey(`${parent}${name}`);
      } catch {
        continue;
      }
      for await (const { objects } of this.#options.backend.list({ prefix, delimiter: "/", signal })) {
        const strays = objects.flatMap(({ key }) =>
          looksLikeData(key.slice(key.lastIndexOf("/") + 1)) ? [key] : [],
        );
        if (strays.length > 0) return strayTable(name, strays);
        break;
      }
    }
    return undefined;
  }

  /** {@link TableCatalog.resolve}, or undefined for an unknown name: trusted SQL can create tables itself. */
  async find(name: string, signal: AbortSignal | undefined): Promise<Key | undefined> {
    try {
      return await this.resolve(name, signal);
    } catch (error) {
      if (isStorageError(error, "not_found")) return undefined;
      throw error;
    }
  }

  async factsOf(entity: Key, reader: CatalogReader): Promise<TableFacts> {
    const known = this.#facts.get(entity);
    if (known !== undefined) {
      reader.listing.knowLeaves(entity, known.keys.length);
      return known;
    }
    const { duckdb } = this.#options;
    const facts = await readTableFacts(entity, this.declaredOf(entity), { duckdb, ...reader });
    this.#facts.set(entity, facts);
    return facts;
  }

  /** The columns of files all over an entity. */
  async columnsOf(facts: TableFacts, reader: CatalogReader): Promise<ColumnsDescription> {
    const { duckdb } = this.#options;
    return describeColumns(facts, this.declaredOf(facts.entity), { duckdb, ...reader });
  }

  declaredOf(entity: Key): DeclaredTable {
    const { hiveTypes, columnTypes } = this.#options.declared;
    return { hiveTypes: hiveTypes?.[entity] ?? {}, columnTypes: columnTypes?.[entity] ?? {} };
  }

  /** Forgets everything. */
  forget(): void {
    this.#facts.clear();
    this.#entities = undefined;
  }
}

function strayTable(name: string, strays: readonly Key[]): StorageError {
  const more = strays.length > 3 ? `, … (${strays.length} in all)` : "";
  return new StorageError({
    code: "not_found",
    op: "sql",
    path: name,
    message: `sql: there is no table ${JSON.stringify(name)}: its folder has only files that no query reads: ${strays.slice(0, 3).join(", ")}${more}. Parquet and CSV files are read; convert the others.`,
  });
}
