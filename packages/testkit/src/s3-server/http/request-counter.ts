import type { S3Operation } from "../operations/s3-operation.ts";

/**
 * Counts of the requests that a server received. Each request counts once, by its operation, whatever its outcome.
 *
 * @example
 * server.requests.reset();
 * await migrate();
 * expect(server.requests.count("HeadObject")).toBe(0);
 */
export interface RequestCounts {
  /** Requests for one operation. */
  count(operation: S3Operation): number;
  /** Requests for any operation. */
  readonly total: number;
  /** Received bytes of request bodies, with their framing and without HTTP headers. */
  readonly bytesIn: number;
  /** Sent bytes of reply bodies, without HTTP headers. */
  readonly bytesOut: number;
  /** Highest number of concurrent requests. */
  readonly peakInFlight: number;
  /** Counts by operation, without those that did not occur. */
  byOperation(): Partial<Record<S3Operation, number>>;
  /** Sets all counts to zero. */
  reset(): void;
}

export class RequestCounter implements RequestCounts {
  readonly #counts = new Map<S3Operation, number>();
  #inFlight = 0;
  total = 0;
  bytesIn = 0;
  bytesOut = 0;
  peakInFlight = 0;

  begin(operation: S3Operation): void {
    this.#counts.set(operation, this.count(operation) + 1);
    this.total += 1;
    this.#inFlight += 1;
    this.peakInFlight = Math.max(this.peakInFlight, this.#inFlight);
  }

  end(): void {
    this.#inFlight -= 1;
  }

  count(operation: S3Operation): number {
    return this.#counts.get(operation) ?? 0;
  }

  byOperation(): Partial<Record<S3Operation, number>> {
    return Object.fromEntries(this.#counts);
  }

  reset(): void {
    this.#counts.clear();
    this.total = 0;
    this.bytesIn = 0;
    this.bytesOut = 0;
    this.peakInFlight = this.#inFlight;
  }
}
