import type { StorageBackend } from "../backend/storage-backend.ts";
import { encodeHive } from "../hive/codec.ts";
import type { Partition } from "../hive/partition.ts";
import type { Key } from "../key.ts";
import { type ColumnSchema, typeName } from "../parquet/column-type.ts";
import { fitColumns, type MisfitColumn } from "../parquet/fit-columns.ts";
import { StorageError } from "../storage-error.ts";
import { type EntityShape, findEntityShape } from "./entity-shape.ts";

/** A write that is to fit its entity. */
export interface ShapedWrite {
  readonly entity: Key;
  readonly partition: Partition;
  /** The partition's folder. */
  readonly prefix: Key;
  /** Whether the partition is replaced: then what is there does not bind the write. */
  readonly overwrite: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * The shapes of entities, as far as they are known: asking the store costs requests. It also keeps writes apart that are in
 * flight at once, such as the first partitions of a season: the second fits the first before either is committed.
 */
export class EntityMemory {
  readonly #backend: StorageBackend;
  readonly #keys = new Map<Key, readonly string[]>();
  readonly #shapes = new Map<Key, EntityShape>();
  readonly #turns = new Map<Key, Promise<void>>();

  constructor(backend: StorageBackend) {
    this.#backend = backend;
  }

  /** Forgets an entity's columns: a write failed, so what is remembered of it may never have been stored. */
  forget(entity: Key): void {
    this.#shapes.delete(entity);
  }

  /**
   * Writes of an entity fit their columns one after the other, in the order in which they took their turns: of the first
   * partitions of a season the first one decides, not the one whose answer from the store is the fastest.
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
   * Refuses a new partition whose keys are not those of the entity's other partitions: readers would see a table whose
   * columns and depth differ from folder to folder. Refuses the first partition of an entity where it has no key, or one that
   * plain readers do not read as it is meant.
   *
   * @throws StorageError `invalid_path` naming the keys there are.
   */
  async checkKeys({ entity, partition, signal }: ShapedWrite): Promise<void> {
    if (sameKeys(this.#keys.get(entity), partition.keys)) return;
    // What is remembered may be out of date: others write too.
    const found = await findEntityShape(this.#backend, entity, { signal });
    this.#keys.set(entity, found?.keys ?? partition.keys);
    if (found !== undefined && sameKeys(found.keys, partition.keys)) return;
    if (found === undefined) this.#checkFirstKeys(entity, partition);
    else
      throw this.#refusedKeys(
        entity,
        `${entity} is ${describe(found.keys)}, the new partition ${partition.path() || "(none)"} is ${describe(partition.keys)}. Write to the same keys in the same order, choose another entity, or give allowOtherKeys: true`,
      );
  }

  #checkFirstKeys(entity: Key, { keys }: Partition): void {
    if (keys.length === 0)
      throw this.#refusedKeys(
        entity,
        `the partition has no key, so ${entity} would be one table that is not partitioned. Give keys such as partition({ year: "2024" }), or allowOtherKeys: true if that is meant`,
      );
    const odd = keys.find((key) => encodeHive(key) !== key);
    if (odd !== undefined)
      throw this.#refusedKeys(
        entity,
        `the partition key ${JSON.stringify(odd)} is ${JSON.stringify(encodeHive(odd))} in a path, which DuckDB takes for the column's name. Use letters, digits and _ in a key, or give allowOtherKeys: true`,
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
   * @throws StorageError `invalid_argument` naming a column that does not fit, unless `allowOtherTypes`.
   */
  async fitColumns(
    write: ShapedWrite,
    found: readonly ColumnSchema[],
    allowOtherTypes: boolean,
  ): Promise<readonly ColumnSchema[]> {
    let shape = await this.#shapeFor(write);
    let { columns, misfits } = fitColumns(found, shape.columns);
    if (misfits.length > 0 && !allowOtherTypes) {
      // What is remembered may be out of date; what the store does not know is in flight.
      const stored = await this.#stored(write);
      if (stored?.reference !== undefined) shape = stored;
      ({ columns, misfits } = fitColumns(found, shape.columns));
    }
    const [misfit] = misfits;
    if (misfit !== undefined && !allowOtherTypes) throw this.#misfit(write, shape, misfit);
    const misfitted = new Map(misfits.map(({ column, known }) => [column, known]));
    this.#shapes.set(write.entity, {
      keys: shape.keys,
      reference: shape.reference ?? write.prefix,
      // What may differ in one partition is no reason for the next to differ.
      columns: columns.map(({ name, type }) => ({ name, type: misfitted.get(name) ?? type })),
    });
    return columns;
  }

  async #shapeFor(write: ShapedWrite): Promise<EntityShape> {
    const { entity, partition, prefix, overwrite } = write;
    const known = this.#shapes.get(entity);
    if (known !== undefined && !(overwrite && known.reference === prefix)) return known;
    const stored = await this.#stored(write);
    // Another write may have been first while the store was asked.
    const now = this.#shapes.get(entity);
    if (now !== undefined && now !== known) return now;
    if (stored !== undefined) this.#keys.set(entity, stored.keys);
    return stored ?? { keys: partition.keys, columns: [], reference: undefined };
  }

  #stored({ entity, prefix, overwrite, signal }: ShapedWrite): Promise<EntityShape | undefined> {
    return findEntityShape(this.#backend, entity, { except: overwrite ? prefix : undefined, signal });
  }

  #misfit(
    { entity }: ShapedWrite,
    { reference = entity }: EntityShape,
    { column, type, known }: MisfitColumn,
  ): StorageError {
    return new StorageError({
      code: "invalid_argument",
      op: "write",
      path: entity,
      backend: this.#backend.name,
      message: `write: column ${JSON.stringify(column)} is ${typeName(type)} here and ${typeName(known)} in ${reference}; a reader that takes the types of ${entity} from one file would change values of the other without a word. Give the option schema to say which type it has, and write the other partitions with it too, or give allowOtherTypes: true.`,
    });
  }
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
