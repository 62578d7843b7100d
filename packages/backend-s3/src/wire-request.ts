/** One HTTP request. */
export interface WireRequest {
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly path: string;
  /** Names and values alternately, including `host`. */
  readonly headers: readonly string[];
  readonly body?: Uint8Array | undefined;
  /** The longest time without a byte in either direction while the answer is due, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** Whether the store may work for it for long without a sign of life. */
  readonly isHeavy: boolean;
  /** The size of the answer's body in bytes, at most, if it is known; a bandwidth limit counts it before it is sent. */
  readonly expectedBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
