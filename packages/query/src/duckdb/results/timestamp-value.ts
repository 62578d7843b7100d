import { exactTimestamp, timestampText } from "@parquetry/core/unstable";
import type { ResultOptions } from "../duckdb.ts";

/**
 * A timestamp as the caller wants it.
 *
 * @param digits the decimal digits of a tick below the millisecond.
 * @param isInstant true for a timestamp with a time zone.
 */
export function timestampValue(
  ticks: bigint,
  digits: number,
  wanted: ResultOptions["timestamps"],
  isInstant: boolean,
): Date | string {
  if (wanted === undefined) return exactTimestamp(ticks, digits);
  if (wanted === "date") {
    const unit = 10n ** BigInt(digits);
    // Rounds towards the past, also before 1970.
    const whole = exactTimestamp((ticks / unit - (ticks % unit < 0n ? 1n : 0n)) * unit, digits);
    if (whole instanceof Date) return whole;
  }
  const text = timestampText(ticks, digits);
  return wanted === "text" && !isInstant ? text.replace(/Z$/, "") : text;
}
