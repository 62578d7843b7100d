import {
  type CustomKind,
  checkArgument,
  checkOptions,
  invalid,
  type OptionKinds,
  objectWith,
} from "@parquetry/core/unstable";
import type { PriceTable, ProviderPrices } from "./price-table.ts";
import { PRICES_2026_10 } from "./prices-2026-10.ts";

/** The use of a store that {@link estimateCost} prices. */
export interface Usage {
  /** Bytes stored for a whole month. */
  readonly storedBytes: number;
  /** One-off write requests: PUT, LIST, COPY, parts. Default 0. */
  readonly writes?: number | undefined;
  /** One-off read requests: GET, HEAD. Default 0. */
  readonly reads?: number | undefined;
  /** One-off egress to the internet, in bytes. Default 0. */
  readonly egressBytes?: number | undefined;
}

const AMOUNT: CustomKind = {
  expected: "a number, 0 or more",
  is: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
};

/** The kinds of {@link Usage}. */
export const USAGE_KINDS: OptionKinds<Usage> = {
  storedBytes: AMOUNT,
  writes: AMOUNT,
  reads: AMOUNT,
  egressBytes: AMOUNT,
};

/** The charges of one provider, in US dollars. */
export interface ProviderCost {
  /** The provider's name. */
  readonly name: string;
  /** Storage, each month. */
  readonly monthlyUsd: number;
  /** Requests, once. */
  readonly requestsUsd: number;
  /** Egress, once. */
  readonly egressUsd: number;
  /** Requests and egress. */
  readonly onceUsd: number;
}

/** The same use at the prices of both providers. */
export interface CostEstimate {
  /** The month of the prices. */
  readonly pricesOf: string;
  /** On Cloudflare R2. */
  readonly r2: ProviderCost;
  /** On AWS S3. */
  readonly s3: ProviderCost;
}

const PRICE_TABLE = objectWith("a price table, as parsePriceTable(json) returns", {
  r2: objectWith("prices", { free: "object" }),
  s3: objectWith("prices", { free: "object" }),
});

/**
 * Prices a use on R2 and on S3, after the monthly free allowance; R2 rounds up to whole units. The one-off costs assume that
 * the month's allowance has not been used yet.
 *
 * @throws StorageError `invalid_argument` for an amount that is negative or not a number, and for an invalid price table.
 * @example
 * ```ts
 * const { r2, s3 } = estimateCost({ storedBytes: 15.3e9, writes: 31_857 });
 * console.log(r2.monthlyUsd, s3.monthlyUsd);
 * ```
 */
export function estimateCost(usage: Usage, prices: PriceTable = PRICES_2026_10): CostEstimate {
  checkArgument(usage, "object", "usage", "estimateCost");
  checkOptions(usage, USAGE_KINDS, "estimateCost");
  if (usage.storedBytes === undefined)
    throw invalid("estimateCost", `storedBytes must be ${AMOUNT.expected}`);
  checkArgument(prices, PRICE_TABLE, "prices", "estimateCost");
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
