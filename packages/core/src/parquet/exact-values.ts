/**
 * The rule of every reader of this project, SQL included: a value becomes the JavaScript type that holds it exactly, else a string with
 * all of its digits.
 */

const DAY_MS = 86_400_000n;
/** The calendar repeats itself after 400 years. */
const CYCLE_YEARS = 400n;
const CYCLE_MS = 146_097n * DAY_MS;
/** A double holds every decimal of up to this many digits. */
export const EXACT_DIGITS = 15;
const INT32_MAX = 2n ** 31n - 1n;
const INT64_MAX = 2n ** 63n - 1n;

/** Returns an integer as a number if it is safe, else as a bigint. */
export function exactInteger(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/**
 * Returns a decimal. Its type decides, so that all values of a column are of one kind: of up to 15 digits a number, of more digits a
 * string with every digit. A decimal without a scale is an integer.
 *
 * @example
 * ```ts
 * exactDecimal(1250n, 9, 2); // 12.5
 * exactDecimal(1250n, 18, 2); // "12.50"
 * exactDecimal(2n ** 60n, 38, 0); // 1152921504606846976n
 * ```
 */
export function exactDecimal(unscaled: bigint, precision: number, scale: number): number | bigint | string {
  if (scale === 0) return exactInteger(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const text = `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  // Parsing the decimal finds the nearest double; multiplying by 0.01 may not.
  return precision <= EXACT_DIGITS ? Number(text) : text;
}

/** Returns a date as a Date at midnight UTC, else as text: `+290000-01-01`, or `infinity`, as DuckDB and PostgreSQL call the ends. */
export function exactDate(days: bigint): Date | string {
  const infinity = infinityOf(days, INT32_MAX);
  if (infinity !== undefined) return infinity;
  const millis = days * DAY_MS;
  return dateOf(millis) ?? isoText(millis).slice(0, -"T00:00:00.000Z".length);
}

/**
 * Returns a timestamp as a Date if it holds the timestamp exactly, else as ISO 8601 text in UTC with all digits, or `infinity`.
 *
 * @param digits the decimal digits of a tick below the millisecond: 3 for microseconds.
 */
export function exactTimestamp(ticks: bigint, digits: number): Date | string {
  const { millis, below } = splitTicks(ticks, digits);
  const date = below === 0n ? dateOf(millis) : undefined;
  return date ?? timestampText(ticks, digits);
}

/** Returns a timestamp as ISO 8601 text in UTC with all of its digits, or `infinity`. */
export function timestampText(ticks: bigint, digits: number): string {
  const infinity = digits > 0 ? infinityOf(ticks, INT64_MAX) : undefined;
  if (infinity !== undefined) return infinity;
  const { millis, below } = splitTicks(ticks, digits);
  const text = isoText(millis);
  return below === 0n ? text : text.replace("Z", `${String(below).padStart(digits, "0")}Z`);
}

function infinityOf(value: bigint, end: bigint): string | undefined {
  if (value === end) return "infinity";
  return value === -end ? "-infinity" : undefined;
}

function splitTicks(ticks: bigint, digits: number): { readonly millis: bigint; readonly below: bigint } {
  const unit = 10n ** BigInt(digits);
  const millis = floorDiv(ticks, unit);
  return { millis, below: ticks - millis * unit };
}

function dateOf(millis: bigint): Date | undefined {
  const date = new Date(Number(millis));
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Returns ISO 8601 as `toISOString` does, also for years beyond what a Date holds. */
function isoText(millis: bigint): string {
  const near = dateOf(millis);
  if (near !== undefined) return near.toISOString();
  const cycles = floorDiv(millis, CYCLE_MS);
  const date = new Date(Number(millis - cycles * CYCLE_MS));
  const year = BigInt(date.getUTCFullYear()) + cycles * CYCLE_YEARS;
  const digits = String(year < 0n ? -year : year).padStart(6, "0");
  return `${year < 0n ? "-" : "+"}${digits}${date.toISOString().slice(4)}`;
}

function floorDiv(value: bigint, divisor: bigint): bigint {
  return value / divisor - (value % divisor < 0n ? 1n : 0n);
}
