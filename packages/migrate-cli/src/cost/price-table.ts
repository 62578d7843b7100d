import { StorageError } from "@parquetry/core/backend";
import { z } from "zod";

/** One provider's prices, in US dollars. */
export interface ProviderPrices {
  /** The provider's name, for display. */
  readonly name: string;
  /** The size of a billed GB, in bytes. */
  readonly bytesPerGb: number;
  /** Storage, per GB and month. */
  readonly storagePerGbMonth: number;
  /** Write requests (PUT, LIST, COPY, multipart), per million. */
  readonly writesPerMillion: number;
  /** Read requests (GET, HEAD), per million. */
  readonly readsPerMillion: number;
  /** Egress to the internet, per GB. */
  readonly egressPerGb: number;
  /** The monthly free allowance. */
  readonly free: {
    readonly storageGbMonths: number;
    readonly writes: number;
    readonly reads: number;
    readonly egressGb: number;
  };
  /** Whether use is rounded up to whole units: GB-months, and millions of requests. */
  readonly roundsUp: boolean;
}

/** The prices of R2 and S3 at a date. */
export interface PriceTable {
  /** The month of the prices, `YYYY-MM`. */
  readonly date: string;
  /** Cloudflare R2. */
  readonly r2: ProviderPrices;
  /** AWS S3. */
  readonly s3: ProviderPrices;
}

const amount: z.ZodNumber = z.number().nonnegative();

const providerPrices: z.ZodType<ProviderPrices> = z.strictObject({
  name: z.string().min(1),
  bytesPerGb: z.number().positive(),
  storagePerGbMonth: amount,
  writesPerMillion: amount,
  readsPerMillion: amount,
  egressPerGb: amount,
  free: z.strictObject({ storageGbMonths: amount, writes: amount, reads: amount, egressGb: amount }),
  roundsUp: z.boolean(),
});

const priceTable: z.ZodType<PriceTable> = z.strictObject({
  date: z.string().regex(/^\d{4}-\d{2}$/, "expected YYYY-MM"),
  r2: providerPrices,
  s3: providerPrices,
});

/**
 * Parses a price table from JSON, as `--prices FILE` takes it; `PRICES_2026_10` is an example of one.
 *
 * @throws StorageError `invalid_argument` naming every field that is wrong.
 * @example
 * ```ts
 * const prices = parsePriceTable(await readFile("prices.json", "utf8"), "prices.json");
 * ```
 */
export function parsePriceTable(json: string, name: string): PriceTable {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw badTable(name, error instanceof Error ? error.message : String(error));
  }
  const parsed = priceTable.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badTable(
    name,
    parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the table"}: ${message}`).join("; "),
  );
}

function badTable(name: string, problem: string): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "cost",
    message: `The price table ${name} cannot be read: ${problem}.`,
  });
}
