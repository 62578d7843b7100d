import { checkOptions, invalid, type OptionKinds } from "@parquetry/core/backend";
import type { PriceTable, ProviderPrices } from "./price-table.ts";
import { PRICES_2026_10 } from "./prices-2026-10.ts";

/** What is used of a store. */
export interface Usage {
  /** How much is kept there all month, in bytes. */
  readonly storedBytes: number;
  /** Writing requests made once: PUT, LIST, COPY, parts. Default 0. */
  readonly writes?: number | undefined;
  /** Reading requests made once: GET, HEAD. Default 0. */
  readonly reads?: number | undefined;
  /** What is sent out to the internet once, in bytes. Default 0. */
  readonly egressBytes?: number | undefined;
}

const USAGE: OptionKinds<Usage> = {
  storedBytes: "number",
  writes: "number",
  reads: "number",
  egressBytes: "number",
};

/** What a store charges, in US dollars. */
export interface ProviderCost {
  /** The provider's name. */
  readonly name: string;
  /** Storage, each month. */
  readonly monthlyUsd: number;
  /** Requests, once. */
  readonly requestsUsd: number;
  /** Data sent out, once. */
  readonly egressUsd: number;
  /** Requests and data sent out. */
  readonly onceUsd: number;
}

/** The same use priced by both providers. */
export interface CostEstimate {
  /** The month of the prices. */
  readonly pricesOf: string;
  /** On Cloudflare R2. */
  readonly r2: ProviderCost;
  /** On AWS S3. */
  readonly s3: ProviderCost;
}

/**
 * Prices a use on R2 and S3, each month's free allowance taken off, and on R2 rounded up to whole units as it bills them.
 * The one-off costs assume that the allowance of the month has not been used yet.
 *
 * @throws StorageError `invalid_argument` for an amount that is negative or no number, and for what is no price table.
 * @example
 * ```ts
 * const { r2, s3 } = estimateCost({ storedBytes: 15.3e9, writes: 31_857 });
 * console.log(r2.monthlyUsd, s3.monthlyUsd);
 * ```
 */
export function estimateCost(usage: Usage, prices: PriceTable = PRICES_2026_10): CostEstimate {
  checkOptions(usage, USAGE, "estimateCost");
  if (usage.storedBytes === undefined)
    throw invalid("estimateCost", "storedBytes is missing, expected a number");
  for (const [name, amount] of Object.entries(usage))
    if (amount < 0) throw invalid("estimateCost", `${name} must be 0 or more, not ${amount}`);
  if (prices?.r2?.free === undefined || prices.s3?.free === undefined)
    throw invalid(
      "estimateCost",
      "prices is no price table, expected PRICES_2026_10 or what parsePriceTable(json) gives",
    );
  return { pricesOf: prices.date, r2: providerCost(usage, prices.r2), s3: providerCost(usage, prices.s3) };
}

function providerCost(usage: Usage, prices: ProviderPrices): ProviderCost {
  const { storedBytes, writes = 0, reads = 0, egressBytes = 0 } = usage;
  const { free, roundsUp } = prices;
  const charge = (used: number, freeUnits: number, perUnit: number): number => {
    const beyond = Math.max(0, used - freeUnits);
    return (roundsUp ? Math.ceil(beyond) : beyond) * perUnit;
  };
  const requestsUsd =
    charge(writes / 1e6, free.writes / 1e6, prices.writesPerMillion) +
    charge(reads / 1e6, free.reads / 1e6, prices.readsPerMillion);
  const egressUsd = charge(egressBytes / prices.bytesPerGb, free.egressGb, prices.egressPerGb);
  return {
    name: prices.name,
    monthlyUsd: charge(storedBytes / prices.bytesPerGb, free.storageGbMonths, prices.storagePerGbMonth),
    requestsUsd,
    egressUsd,
    onceUsd: requestsUsd + egressUsd,
  };
}
