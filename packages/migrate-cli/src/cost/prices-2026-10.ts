import type { PriceTable } from "./price-table.ts";

/**
 * Prices of October 2026: Cloudflare R2, and AWS S3 Standard in us-east-1 (storage: the first 50 TB).
 *
 * @example
 * ```ts
 * estimateCost(usage, PRICES_2026_10).r2.monthlyUsd;
 * ```
 */
export const PRICES_2026_10: PriceTable = {
  date: "2026-10",
  r2: {
    name: "Cloudflare R2",
    bytesPerGb: 1e9,
    storagePerGbMonth: 0.015,
    writesPerMillion: 4.5,
    readsPerMillion: 0.36,
    egressPerGb: 0,
    free: { storageGbMonths: 10, writes: 1_000_000, reads: 10_000_000, egressGb: 0 },
    roundsUp: true,
  },
  s3: {
    name: "AWS S3",
    bytesPerGb: 2 ** 30,
    storagePerGbMonth: 0.023,
    writesPerMillion: 5,
    readsPerMillion: 0.4,
    egressPerGb: 0.09,
    free: { storageGbMonths: 0, writes: 0, reads: 0, egressGb: 100 },
    roundsUp: false,
  },
};
