/** A store of keys and values as databases and services offer it: each value has a version, and `set` can expect one. */
export class KeyValueStore {
  #entries = new Map();
  #version = 0;

  async get(key) {
    return this.#entries.get(key);
  }

  /** Sets a value and returns its version; undefined where the version is not the expected one. 0 is that of a missing key. */
  async set(key, value, expected) {
    if (expected !== undefined && expected !== (this.#entries.get(key)?.version ?? 0)) return undefined;
    this.#version++;
    this.#entries.set(key, { value, version: this.#version, writtenAt: new Date() });
    return this.#version;
  }

  async delete(key) {
    this.#entries.delete(key);
  }

  async keys() {
    return [...this.#entries.keys()];
  }
}
