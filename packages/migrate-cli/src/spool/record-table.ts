/** The length of a record's name, in bytes. */
export const NAME_BYTES = 16;

/** The length of a record's value, in bytes: an MD5, and four bytes to check it. */
export const VALUE_BYTES = 20;

/** The length of a record, in bytes. */
export const RECORD_BYTES: number = NAME_BYTES + VALUE_BYTES;

const MIN_RECORDS = 1024;

/**
 * A hash table of records with a fixed size. It takes one buffer and 4 bytes a slot instead of several objects per record, so
 * a million records take a few tens of megabytes. Names are hashes, so their first bytes select the slot.
 */
export class RecordTable {
  #records: Buffer;
  #count: number;
  #slots: Int32Array;

  /** @param records the existing records; a later one replaces an earlier one of the same name. */
  constructor(records: Buffer) {
    this.#records = records;
    this.#count = Math.floor(records.byteLength / RECORD_BYTES);
    this.#slots = this.#index(this.#count);
  }

  /** Whether it has no record. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Returns the value of a name, or undefined. The bytes belong to the table. */
  get(name: Buffer): Buffer | undefined {
    const record = this.#slots[this.#slotOf(this.#slots, name)] ?? -1;
    return record < 0 ? undefined : this.#valueAt(record);
  }

  /** Adds or replaces a record. Returns false if it exists with this value. */
  set(name: Buffer, value: Buffer): boolean {
    const slot = this.#slotOf(this.#slots, name);
    const known = this.#slots[slot] ?? -1;
    if (known >= 0) {
      if (this.#valueAt(known).equals(value)) return false;
      value.copy(this.#records, known * RECORD_BYTES + NAME_BYTES);
      return true;
    }
    this.#reserve();
    const at = this.#count * RECORD_BYTES;
    name.copy(this.#records, at);
    value.copy(this.#records, at + NAME_BYTES);
    this.#slots[slot] = this.#count++;
    if (this.#count * 2 > this.#slots.length) this.#slots = this.#index(this.#count * 2);
    return true;
  }

  #valueAt(record: number): Buffer {
    return this.#records.subarray(record * RECORD_BYTES + NAME_BYTES, (record + 1) * RECORD_BYTES);
  }

  #reserve(): void {
    const needed = (this.#count + 1) * RECORD_BYTES;
    if (needed <= this.#records.byteLength) return;
    const larger = Buffer.alloc(Math.max(MIN_RECORDS * RECORD_BYTES, Math.ceil(needed * 1.5)));
    this.#records.copy(larger);
    this.#records = larger;
  }

  /** Returns the slots of all records, with room for `capacity` records. */
  #index(capacity: number): Int32Array {
    const slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(MIN_RECORDS, capacity * 2)))).fill(-1);
    for (let record = 0; record < this.#count; record++) {
      const at = record * RECORD_BYTES;
      slots[this.#slotOf(slots, this.#records.subarray(at, at + NAME_BYTES))] = record;
    }
    return slots;
  }

  /** Returns the slot that holds a name, or the free slot for it. */
  #slotOf(slots: Int32Array, name: Buffer): number {
    let slot = name.readUInt32LE(0) % slots.length;
    for (;;) {
      const record = slots[slot] ?? -1;
      if (record < 0) return slot;
      const at = record * RECORD_BYTES;
      if (this.#records.compare(name, 0, NAME_BYTES, at, at + NAME_BYTES) === 0) return slot;
      slot = (slot + 1) % slots.length;
    }
  }
}
