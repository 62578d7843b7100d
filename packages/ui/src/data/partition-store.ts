import { parsePartitionSegment } from "@parquetry/core/unstable";
import type { PartitionLevel, PartitionTable, Value } from "../map/partitions.ts";

/** Partitions that a new store has room for. */
const FIRST_ROOM = 16;

interface Level {
  /** The index of the value of each folder. */
  readonly codeOf: Map<string, number>;
  readonly values: Value[];
  codes: Uint32Array;
}

/**
 * The partitions of a table as arrays: an index for each key, and named numbers. A million partitions take tens of megabytes; as
 * objects, they take a gigabyte.
 */
export class PartitionStore<Name extends string> {
  readonly #names: readonly Name[];
  readonly #byName: Map<Name, Float64Array>;
  readonly #levels: Level[] = [];
  #room = FIRST_ROOM;
  /** An open hash table of the partitions' indexes plus one, at most half full. */
  #slots = new Int32Array(2 * FIRST_ROOM);
  size = 0;

  constructor(names: readonly Name[]) {
    this.#names = names;
    this.#byName = new Map(names.map((name) => [name, new Float64Array(FIRST_ROOM)]));
  }

  /** The index of the partition in these folders, which is added if it is new. */
  indexOf(folders: readonly string[]): number {
    const codes = folders.map((folder, level) => this.#codeOf(level, folder));
    const slot = this.#slotOf(codes);
    const known = this.#slots[slot] ?? 0;
    if (known > 0) return known - 1;
    const index = this.size++;
    this.#slots[slot] = index + 1;
    for (const [level, code] of codes.entries()) this.#level(level).codes[index] = code;
    if (this.size === this.#room) this.#grow();
    return index;
  }

  /** Adds to a number of a partition. */
  add(name: Name, index: number, amount: number): void {
    const numbers = this.#numbers(name);
    numbers[index] = (numbers[index] ?? 0) + amount;
  }

  /** Raises a number of a partition to at least this one. */
  raise(name: Name, index: number, least: number): void {
    const numbers = this.#numbers(name);
    numbers[index] = Math.max(numbers[index] ?? 0, least);
  }

  /** The table whose partitions these are, without a copy. */
  table(entity: string, keys: readonly string[], isDone: boolean): PartitionTable<Name> {
    const levels = keys.map((key, at): PartitionLevel => {
      const { codeOf, values, codes } = this.#level(at);
      const spelt: Record<number, string> = {};
      for (const [folder, code] of codeOf) if (folder !== `${key}=${values[code]}`) spelt[code] = folder;
      return { values, spelt, codes: codes.subarray(0, this.size) };
    });
    const numbers = this.#names.map((name) => [name, this.#numbers(name).subarray(0, this.size)]);
    return { entity, keys, isDone, size: this.size, levels, numbers: Object.fromEntries(numbers) };
  }

  #numbers(name: Name): Float64Array {
    return this.#byName.get(name) ?? new Float64Array();
  }

  #level(at: number): Level {
    const known = this.#levels[at];
    if (known !== undefined) return known;
    const level = { codeOf: new Map<string, number>(), values: [null], codes: new Uint32Array(this.#room) };
    this.#levels.push(level);
    return level;
  }

  #codeOf(at: number, folder: string): number {
    const { codeOf, values } = this.#level(at);
    let code = codeOf.get(folder);
    if (code === undefined) {
      code = values.push(parsePartitionSegment(folder)?.[1] ?? null) - 1;
      codeOf.set(folder, code);
    }
    return code;
  }

  /** Where a partition is in the hash table, or has to be put. */
  #slotOf(codes: readonly number[]): number {
    let hash = 0;
    for (const code of codes) {
      // The codes of a partition may end with those of keys that it lacks.
      if (code === 0) break;
      hash = Math.imul(hash ^ code, 0x9e3779b1) ^ (hash >>> 15);
    }
    const mask = this.#slots.length - 1;
    for (let slot = (hash ^ (hash >>> 13)) & mask; ; slot = (slot + 1) & mask) {
      const known = this.#slots[slot] ?? 0;
      if (known === 0) return slot;
      if (this.#levels.every((level, at) => level.codes[known - 1] === (codes[at] ?? 0))) return slot;
    }
  }

  #grow(): void {
    this.#room *= 2;
    for (const level of this.#levels) level.codes = grown(level.codes, new Uint32Array(this.#room));
    for (const [name, numbers] of this.#byName)
      this.#byName.set(name, grown(numbers, new Float64Array(this.#room)));
    this.#slots = new Int32Array(2 * this.#room);
    for (let index = 0; index < this.size; index++)
      this.#slots[this.#slotOf(this.#levels.map(({ codes }) => codes[index] ?? 0))] = index + 1;
  }
}

function grown<Numbers extends Uint32Array | Float64Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
