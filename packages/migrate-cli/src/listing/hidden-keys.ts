/** Which keys a listing says nothing about: those below folders that it could not read, and files that it could not. */
export class HiddenKeys {
  readonly #paths = new Set<string>();

  /** Adds a folder or a file that could not be read. */
  add(path: string): void {
    this.#paths.add(path);
  }

  /** Whether a key is or lies below one of them. */
  has(key: string): boolean {
    if (this.#paths.size === 0) return false;
    for (let end = key.indexOf("/"); end >= 0; end = key.indexOf("/", end + 1))
      if (this.#paths.has(key.slice(0, end))) return true;
    return this.#paths.has(key);
  }
}
