import { type Key, listEntities, type StorageBackend, StorageError } from "@parquetry/core";
import type { OpenQueryOptions } from "../database/query-options.ts";
import type { DuckDb } from "../duckdb/duckdb.ts";
import type { FileSource } from "../files/file-source.ts";
import { type ColumnsDescription, describeColumns } from "./describe-columns.ts";
import type { ListingMemory } from "./listing-memory.ts";
import { resolveTable } from "./resolve-table.ts";
import { type DeclaredTable, readTableFacts, type TableFacts } from "./table-facts.ts";

/** What {@link TableCatalog} works with. */
export interface CatalogOptions {
  readonly backend: StorageBackend;
  readonly engine: DuckDb;
  readonly source: FileSource;
  readonly declared: Pick<OpenQueryOptions, "hiveTypes" | "columnTypes">;
}

/** Which entities there are, and what is known of each: learnt at first use, kept until it is told to forget. */
export class TableCatalog {
  readonly #options: CatalogOptions;
  readonly #facts = new Map<Key, TableFacts>();
  #entities: readonly Key[] | undefined;

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** Lists the entities. */
  async list(signal: AbortSignal | undefined): Promise<readonly Key[]> {
    this.#entities = await listEntities(this.#options.backend, { signal });
    return this.#entities;
  }

  /**
   * The entity that a table name means.
   *
   * @throws StorageError as {@link resolveTable}.
   */
  async resolve(name: string, signal: AbortSignal | undefined): Promise<Key> {
    if (this.#entities !== undefined) {
      try {
        return resolveTable(name, this.#entities);
      } catch {
        // It may have been written since.
      }
    }
    return resolveTable(name, await this.list(signal));
  }

  /** {@link TableCatalog.resolve}, or undefined where the name is none: in trusted SQL it may be a table of the caller's own. */
  async find(name: string, signal: AbortSignal | undefined): Promise<Key | undefined> {
    try {
      return await this.resolve(name, signal);
    } catch (error) {
      if (error instanceof StorageError && error.code === "not_found") return undefined;
      throw error;
    }
  }

  /** What is known of an entity. */
  async factsOf(entity: Key, listing: ListingMemory, signal: AbortSignal | undefined): Promise<TableFacts> {
    const known = this.#facts.get(entity);
    if (known !== undefined) {
      listing.knowLeaves(entity, known.keys.length);
      return known;
    }
    const { engine, source } = this.#options;
    const facts = await readTableFacts(entity, this.declaredOf(entity), { engine, source, listing, signal });
    this.#facts.set(entity, facts);
    return facts;
  }

  /** An entity's columns as files all over it have them. */
  async columnsOf(
    facts: TableFacts,
    listing: ListingMemory,
    signal: AbortSignal | undefined,
  ): Promise<ColumnsDescription> {
    const { engine, source } = this.#options;
    return describeColumns(facts, this.declaredOf(facts.entity), { engine, source, listing, signal });
  }

  /** What the caller has declared of an entity. */
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
