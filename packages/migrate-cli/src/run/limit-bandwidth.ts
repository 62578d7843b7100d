import { abilitiesOf, type StorageBackend } from "@parquetry/core/backend";
import { type BandwidthLimiter, createTransferLimits } from "@parquetry/core/unstable";

/** A bandwidth limit of a run, until it is disposed. */
export interface BandwidthLimit extends Disposable {
  /** Limits what is written, if neither side has a network whose transfers it limits itself. */
  readonly limiter?: BandwidthLimiter | undefined;
}

/** Limits what two backends send and what they receive, each to this rate; or, between directories, what is written. */
export function limitBandwidth(
  source: StorageBackend,
  target: StorageBackend,
  bytesPerSecond: number | undefined,
): BandwidthLimit {
  if (bytesPerSecond === undefined) return { [Symbol.dispose]() {} };
  const limits = createTransferLimits(bytesPerSecond);
  const ends = [source, target].flatMap(
    (backend) => abilitiesOf(backend).limitedTransfers?.limit(limits) ?? [],
  );
  return {
    limiter: ends.length === 0 ? limits.upload : undefined,
    [Symbol.dispose]() {
      for (const end of ends) end();
    },
  };
}
