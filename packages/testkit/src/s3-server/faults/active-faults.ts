import { setTimeout as sleep } from "node:timers/promises";
import type { S3Fault } from "./s3-fault.ts";

type FaultOf<Kind extends S3Fault["kind"]> = Extract<S3Fault, { readonly kind: Kind }>;

/** The faults of one request, by kind; of two of a kind the first counts. */
export class ActiveFaults {
  readonly #faults: readonly S3Fault[];
  readonly #signal: AbortSignal;

  /** `signal` ends all waiting: the client has gone or the server closes. */
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

  /** Waits; rejects when the exchange ends first. */
  async wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal });
  }

  /** Waits as long as this many bytes take at the bandwidth there is. */
  async pace(bytes: number): Promise<void> {
    const limit = this.find("bandwidth");
    if (limit !== undefined) await this.wait((bytes / limit.bytesPerSecond) * 1000);
  }

  /** The chunk with one bit changed, if the byte that `flip-byte` names lies in it. */
  flip(chunk: Buffer, chunkOffset: number, total: number): Buffer {
    const fault = this.find("flip-byte");
    if (fault === undefined) return chunk;
    const at = (fault.offset ?? Math.floor(total / 2)) - chunkOffset;
    if (at < 0 || at >= chunk.length) return chunk;
    // The chunk may be the stored object itself.
    const copy = Buffer.from(chunk);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  }
}
