/** What reading a file that nobody vouches for may cost. */
export interface UntrustedLimits {
  /** How long reading one file may take, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** How much memory decoding one file may take, in MiB. Default 512. */
  readonly memoryMiB?: number | undefined;
  /** How many values, of all columns together, a file may claim to hold. Default 20 million. */
  readonly maxValues?: number | undefined;
  /** How large a file may be, in bytes: it is fetched whole. Default 256 MiB. */
  readonly maxBytes?: number | undefined;
}

/** The limits where the caller gives none. */
export const DEFAULT_UNTRUSTED_LIMITS: Required<{ readonly [K in keyof UntrustedLimits]: number }> = {
  timeoutMs: 30_000,
  memoryMiB: 512,
  maxValues: 20_000_000,
  maxBytes: 256 * 1024 * 1024,
};
