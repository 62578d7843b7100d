import { isStorageError, type Key, type StorageBackend, type StorageError } from "@parquetry/core";
import type { UnreadableEntry } from "@parquetry/core/unstable";
import { listEntities } from "@parquetry/core/unstable/tables";
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
      throw error;
    }
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
