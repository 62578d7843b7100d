/** A piece of a {@link MemoryPool}. */
export interface Piece {
  /** Its start, in bytes. */
  readonly offset: number;
  /** Its length, in bytes. */
  readonly length: number;
}

/** Pieces start at page boundaries of the system, so that no two share a page. */
const PAGE_BYTES = 4096;

/**
 * Allocates pieces of a fixed span of memory: first fit, first come, first served. A caller waits until a piece is free.
 * Nothing is ever grown, moved or cleared.
 */
export class MemoryPool {
  #waiting: { readonly length: number; readonly enter: (offset: number | undefined) => void }[] = [];
  #isClosed = false;
  /** The free spans, in order. Adjacent spans are merged. */
  readonly #free: { start: number; end: number }[];

  /** @param sizeBytes the size of the pool, which is also that of the largest piece. */
  constructor(sizeBytes: number) {
    this.#free = [{ start: 0, end: sizeBytes }];
  }

  /** Takes a piece of at most the pool's size, and waits until one is free. Returns undefined after `close`. */
  async take(length: number): Promise<Piece | undefined> {
    if (this.#isClosed) return undefined;
    const whole = pagesOf(length);
    const offset =
      (this.#waiting.length === 0 ? this.#find(whole) : undefined) ??
      (await new Promise<number | undefined>((enter) => this.#waiting.push({ length: whole, enter })));
    return offset === undefined ? undefined : { offset, length };
  }

  /** Ends all waiting. Pieces that were taken remain valid. */
  close(): void {
    this.#isClosed = true;
    for (const { enter } of this.#waiting) enter(undefined);
    this.#waiting = [];
  }

  /** Returns a piece to the pool. Call it once. */
  give({ offset, length }: Piece): void {
    this.#merge(offset, offset + pagesOf(length));
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const found = this.#find(next.length);
      if (found === undefined) return;
      this.#waiting.shift();
      next.enter(found);
    }
  }

  #find(length: number): number | undefined {
    const at = this.#free.findIndex(({ start, end }) => end - start >= length);
    const span = this.#free[at];
    if (span === undefined) return undefined;
    const { start } = span;
    span.start += length;
    if (span.start === span.end) this.#free.splice(at, 1);
    return start;
  }

  #merge(start: number, end: number): void {
    const found = this.#free.findIndex((span) => span.start >= end);
    const at = found < 0 ? this.#free.length : found;
    this.#free.splice(at, 0, { start, end });
    this.#join(at);
    this.#join(at - 1);
  }

  /** Merges a span and the next one if they are adjacent. */
  #join(at: number): void {
    const [left, right] = [this.#free[at], this.#free[at + 1]];
    if (left === undefined || left.end !== right?.start) return;
    left.end = right.end;
    this.#free.splice(at + 1, 1);
  }
}

function pagesOf(length: number): number {
  return Math.max(1, Math.ceil(length / PAGE_BYTES)) * PAGE_BYTES;
}
