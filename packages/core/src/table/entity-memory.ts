import type { Key } from "../bytes/key.ts";
import type { StorageBackend } from "../bytes/storage-backend.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { encodeHive } from "../hive/codec.ts";
import type { Partition } from "../hive/partition.ts";
import { type ColumnSchema, typeName } from "../parquet/column-type.ts";
import { fitColumns, type KnownColumn, type MisfitColumn } from "../parquet/fit-columns.ts";
import { findEntityShape } from "./entity-shape.ts";

/** A write whose keys and columns must fit its entity. */
export interface ShapedWrite {
  readonly entity: Key;
  readonly partition: Partition;
  /** The partition's folder. */
  readonly prefix: Key;
  /** Whether the partition is replaced: its present columns then do not bind the write. */
  readonly overwrite: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Remembers the keys and columns of entities, since reading them costs requests. Also lets concurrent writes, such as the
 * first partitions of a season, fit each other before any of them is committed.
 */
export class EntityMemory {
  readonly #backend: StorageBackend;
  readonly #keys = new Map<Key, readonly string[]>();
  readonly #columns = new Map<Key, readonly RememberedColumn[]>();
  readonly #turns = new Map<Key, Promise<void>>();
  /** Look-ups of keys that are under way, for the concurrent first writes of an entity. */
  readonly #checks = new Map<string, Promise<void>>();

  constructor(backend: StorageBackend) {
    this.#backend = backend;
  }

  /** Forgets the columns that a partition introduced: its write failed, so they may never have been stored. */
  forget({ entity, prefix }: Pick<ShapedWrite, "entity" | "prefix">): void {
    const columns = this.#columns.get(entity);
    if (columns !== undefined) this.#columns.set(entity, without(columns, prefix));
  }

  /**
   * Takes a turn: writes of an entity fit their columns one after the other, in the order in which they took their turns.
   * So the first partition of a season decides, and not the one that gets its response first.
   */
  takeTurn(entity: Key): { readonly ready: Promise<void>; leave(): void } {
    const ready = this.#turns.get(entity) ?? Promise.resolve();
    const { promise, resolve } = withResolvers();
    const after = ready.then(() => promise);
    this.#turns.set(entity, after);
    return {
      ready,
      leave: () => {
        resolve();
        if (this.#turns.get(entity) === after) this.#turns.delete(entity);
      },
    };
  }

  /**
   * Refuses a new partition whose keys differ from those of the entity's other partitions: readers would see a table whose
   * columns and depth differ from folder to folder. Refuses the first partition of an entity if it has no key, or a key that
   * plain readers take for another.
   *
   * @throws StorageError `invalid_path` that names the entity's keys.
   */
  async checkKeys(write: ShapedWrite): Promise<void> {
    const { entity, partition } = write;
    if (sameKeys(this.#keys.get(entity), partition.keys)) return;
    const id = JSON.stringify([entity, ...partition.keys]);
    const running = this.#checks.get(id);
    // A failure of another's look-up says nothing about this write: its signal may have fired.
    if (
      running !== undefined &&
      (await running.then(
        () => true,
        () => false,
      ))
    )
      return;
    const check = this.#lookUpKeys(write);
    this.#checks.set(id, check);
    try {
      await check;
    } finally {
      if (this.#checks.get(id) === check) this.#checks.delete(id);
    }
  }

  async #lookUpKeys({ entity, partition, signal }: ShapedWrite): Promise<void> {
    // The memory may be out of date: others write too.
    const found = await findEntityShape(this.#backend, entity, { signal });
    this.#keys.set(entity, found?.keys ?? partition.keys);
    if (found !== undefined && sameKeys(found.keys, partition.keys)) return;
    if (found === undefined) this.#checkFirstKeys(entity, partition);
    else
      throw this.#refusedKeys(
        entity,
        `${entity} is ${describe(found.keys)}, the new partition ${partition.path() || "(none)"} is ${describe(partition.keys)}. Write to the same keys in the same order, choose another entity, or pass allowOtherKeys: true`,
      );
  }

  #checkFirstKeys(entity: Key, { keys }: Partition): void {
    if (keys.length === 0)
      throw this.#refusedKeys(
        entity,
        `the partition has no key, so ${entity} would be a table without partitions. Pass keys such as partition({ year: "2024" }), or allowOtherKeys: true if this is intended`,
      );
    const odd = keys.find((key) => encodeHive(key) !== key);
    if (odd !== undefined)
      throw this.#refusedKeys(
        entity,
        `the partition key ${JSON.stringify(odd)} is ${JSON.stringify(encodeHive(odd))} in a path, which DuckDB takes for the column's name. Use letters, digits and _ in a key, or pass allowOtherKeys: true`,
      );
  }

  #refusedKeys(entity: Key, problem: string): StorageError {
    return new StorageError({
      code: "invalid_path",
      op: "write",
      path: entity,
      backend: this.#backend.name,
      message: `write: ${problem}.`,
    });
  }

  /**
   * Fits the columns of a write to the entity's other partitions (docs/decisions/0008).
   *
   * @throws StorageError `invalid_argument` that names a column which does not fit, unless `allowOtherTypes`.
   */
  async fitColumns(
    write: ShapedWrite,
    found: readonly ColumnSchema[],
    allowOtherTypes: boolean,
  ): Promise<readonly ColumnSchema[]> {
    const { entity, prefix, overwrite } = write;
    const remembered = this.#columns.get(entity);
    const replaced = overwrite && remembered?.some(({ origin }) => origin === prefix);
    let known = remembered === undefined || replaced ? await this.#lookUp(write) : remembered;
    let fit = fitColumns(found, known);
    if (fit.misfits.length > 0 && !allowOtherTypes && known === remembered) {
      // The memory may be out of date. Columns that the store lacks are of writes in flight, or of later partitions.
      known = await this.#lookUp(write);
      fit = fitColumns(found, known);
    }
    const { columns, misfits } = fit;
    const [misfit] = misfits;
    if (misfit !== undefined && !allowOtherTypes) throw this.#misfit(entity, known, misfit);
    const knownByName = new Map(known.map((column) => [column.name, column]));
    const misfitted = new Map(misfits.map(({ column, known: type }) => [column, type]));
    this.#columns.set(
      entity,
      columns.map(({ name, type }) => {
        const before = knownByName.get(name);
        const isNew = before === undefined || (before.type === "null" && type !== "null");
        // A type that was allowed to differ in one partition does not become the type of the next.
        return { name, type: misfitted.get(name) ?? type, origin: isNew ? prefix : before.origin };
      }),
    );
    return columns;
  }

  /** Returns the columns of the stored reference partition, then the remembered columns of others. */
  async #lookUp({ entity, prefix, overwrite, signal }: ShapedWrite): Promise<readonly RememberedColumn[]> {
    const replaced = overwrite ? prefix : undefined;
    const stored = await findEntityShape(this.#backend, entity, { except: replaced, signal });
    if (stored !== undefined) this.#keys.set(entity, stored.keys);
    const others = without(this.#columns.get(entity) ?? [], replaced);
    if (stored?.reference === undefined) return others;
    const origin = stored.reference;
    const byName = new Map(others.map((column) => [column.name, column]));
    const own = stored.columns.map(({ name, type }): RememberedColumn => {
      const other = byName.get(name);
      byName.delete(name);
      return type === "null" && other !== undefined ? other : { name, type, origin };
    });
    return [...own, ...byName.values()];
  }

  #misfit(entity: Key, columns: readonly RememberedColumn[], misfit: MisfitColumn): StorageError {
    const { column, type, known } = misfit;
    const where = columns.find(({ name }) => name === column)?.origin ?? entity;
    return new StorageError({
      code: "invalid_argument",
      op: "write",
      path: entity,
      backend: this.#backend.name,
      message: `write: column ${JSON.stringify(column)} is ${typeName(type)} here and ${typeName(known)} in ${where}; a reader that takes the types of ${entity} from one file would silently change values of the other. To store both types: await storage.write(${JSON.stringify(entity)}, rows, partition, { allowOtherTypes: true }). ${oneType(misfit)}`,
    });
  }
}

/** The advice about a column that is INT64 in some partitions and DOUBLE in others, or has types that no other type holds. */
function oneType({ column, type, known }: MisfitColumn): string {
  const isNumber = [type, known].every((each) => each === "int64" || each === "double");
  const pinned = isNumber ? `, in which it is { name: ${JSON.stringify(column)}, type: "double" }` : "";
  return `To give the column one type, write all partitions with the option schema${pinned}.`;
}

/** A column, and the partition that introduced it. */
interface RememberedColumn extends KnownColumn {
  readonly origin: Key;
}

function without(columns: readonly RememberedColumn[], origin: Key | undefined): readonly RememberedColumn[] {
  return columns.filter((column) => column.origin !== origin);
}

function withResolvers(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

function sameKeys(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((key, i) => key === b[i]);
}

function describe(keys: readonly string[]): string {
  return keys.length === 0 ? "not partitioned" : `partitioned by ${keys.join(", ")}`;
}
