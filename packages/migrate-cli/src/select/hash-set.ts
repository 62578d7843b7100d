const FIRST_SLOTS = 1024;

/**
 * A set of hashes of 48 bits, as `hashKey` returns them. It takes 16 to 32 bytes a hash. A `Set` throws an error at 16.7 million.
 */
export class HashSet {
  /** Each hash and 1; 0 is free. Hashes are spread evenly, so their lowest bits choose the slot. */
  #slots = new Float64Array(FIRST_SLOTS);
  #size = 0;

  /** Adds a hash. Returns false if the set has it. */
  add(hash: number): boolean {
    if (!insert(this.#slots, hash + 1)) return false;
    if (++this.#size * 2 > this.#slots.length) {
      const larger = new Float64Array(this.#slots.length * 2);
      for (const entry of this.#slots) if (entry > 0) insert(larger, entry);
      this.#slots = larger;
    }
    return true;
  }
}

function insert(slots: Float64Array, entry: number): boolean {
  let slot = entry % slots.length;
  while (slots[slot] !== 0) {
    if (slots[slot] === entry) return false;
    slot = (slot + 1) % slots.length;
  }
  slots[slot] = entry;
  return true;
}
