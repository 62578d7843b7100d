import { compareKeys } from "@parquetry/core/backend";

/** Number of keys at which a run is split, which bounds the cost of an insertion. */
const MAX_RUN = 512;

/**
 * A map in the UTF-8 byte order of its keys, as S3 lists them. It keeps sorted runs of bounded length, so that an insertion
 * stays cheap with any number of keys.
 *
 * @example
 * const index = new KeyIndex<number>();
 * index.set("a/b", 1);
 * index.set("a.b", 2);
 * [...index.scan(() => false)]; // [2, 1], since "a.b" < "a/b"
 */
export class KeyIndex<Value> {
  readonly #values = new Map<string, Value>();
  #runs: string[][] = [];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Value): void {
    if (!this.#values.has(key)) this.#insert(key);
    this.#values.set(key, value);
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    const isBefore = (other: string): boolean => compareKeys(other, key) < 0;
    const runAt = this.#findRun(isBefore);
    const run = this.#runs[runAt];
    if (run !== undefined) {
      run.splice(
        lowerBound(run.length, (at) => isBefore(run[at] ?? "")),
        1,
      );
      if (run.length === 0) this.#runs.splice(runAt, 1);
    }
    return true;
  }

  /**
   * Returns the values from the first key for which `isBefore` is false; it must be false for every later key. The index must
   * not change during the iteration.
   */
  *scan(isBefore: (key: string) => boolean): Generator<Value> {
    let runAt = this.#findRun(isBefore);
    let at = lowerBound(this.#runs[runAt]?.length ?? 0, (i) => isBefore(this.#runs[runAt]?.[i] ?? ""));
    for (let run = this.#runs[runAt]; run !== undefined; run = this.#runs[++runAt], at = 0) {
      for (; at < run.length; at++) {
        const value = this.#values.get(run[at] ?? "");
        if (value !== undefined) yield value;
      }
    }
  }

  /** Returns the index of the run with the first key for which `isBefore` is false. */
  #findRun(isBefore: (key: string) => boolean): number {
    return lowerBound(this.#runs.length, (at) => isBefore(this.#runs[at]?.at(-1) ?? ""));
  }

  #insert(key: string): void {
    const isBefore = (other: string): boolean => compareKeys(other, key) < 0;
    const runAt = Math.min(this.#findRun(isBefore), Math.max(0, this.#runs.length - 1));
    const run = this.#runs[runAt];
    if (run === undefined) {
      this.#runs.push([key]);
      return;
    }
    run.splice(
      lowerBound(run.length, (at) => isBefore(run[at] ?? "")),
      0,
      key,
    );
    if (run.length > MAX_RUN) this.#runs.splice(runAt + 1, 0, run.splice(MAX_RUN / 2));
  }
}

/** Returns the first index in `[0, length)` for which `isBefore` is false, or `length`. */
function lowerBound(length: number, isBefore: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
