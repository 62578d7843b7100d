/** The direction as seen by the client. */
export type Direction = "up" | "down";

/** A TCP proxy that counts the bytes that pass. */
export interface CountingProxy extends AsyncDisposable {
  /** Its address, as the endpoint of a store. */
  readonly endpoint: string;
  /** How many bytes have passed. */
  total(direction: Direction): number;
  /** The most bytes that passed in any period of this length. */
  mostIn(ms: number, direction: Direction): number;
  /** Forgets what has passed. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts a {@link CountingProxy} in front of a port of this machine. It passes on everything at once. */
export function startCountingProxy(port: number): Promise<CountingProxy>;
