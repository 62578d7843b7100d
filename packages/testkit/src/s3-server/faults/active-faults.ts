import { setTimeout as sleep } from "node:timers/promises";
import type { S3Fault } from "./s3-fault.ts";

type FaultOf<Kind extends S3Fault["kind"]> = Extract<S3Fault, { readonly kind: Kind }>;

/** The faults of one request, by kind; the first of each kind applies. */
export class ActiveFaults {
  readonly #faults: readonly S3Fault[];
  readonly #signal: AbortSignal;

  /** `signal` ends every wait: the client disconnected, or the server is closing. */
  constructor(faults: readonly S3Fault[], signal: AbortSignal) {
    this.#faults = faults;
    this.#signal = signal;
  }

  get none(): boolean {
    return this.#faults.length === 0;
  }

  find<Kind extends S3Fault["kind"]>(kind: Kind): FaultOf<Kind> | undefined {
    return this.#faults.find((fault): fault is FaultOf<Kind> => fault.kind === kind);
  }

  resets(when: FaultOf<"reset">["when"]): boolean {
    return this.#faults.some((fault) => fault.kind === "reset" && fault.when === when);
  }

  /** Waits; rejects if the exchange ends first. */
  async wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal });
  }

  /** Waits as long as the bytes take at the limited bandwidth, if it is limited. */
  async pace(bytes: number): Promise<void> {
    const limit = this.find("bandwidth");
    if (limit !== undefined) await this.wait((bytes / limit.bytesPerSecond) * 1000);
  }

  /** Returns the chunk, with one bit inverted if it contains the byte that `flip-byte` names. */
  flip(chunk: Buffer, chunkOffset: number, total: number): Buffer {
    const fault = this.find("flip-byte");
    if (fault === undefined) return chunk;
    const at = (fault.offset ?? Math.floor(total / 2)) - chunkOffset;
    if (at < 0 || at >= chunk.length) return chunk;
    // The chunk may be the memory of the stored object.
    const copy = Buffer.from(chunk);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  }
}
