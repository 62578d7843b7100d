import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import type { ResultOptions } from "../duckdb.ts";

const DAY_MS = 86_400_000;
/** The most decimal digits that a JavaScript number always preserves. */
const EXACT_DIGITS = 15;
const MAX_DATE_MS = 8_640_000_000_000_000n;

/**
 * Turns a DuckDB value into a JavaScript value, as documented at `QueryResult`. Nothing is lost except the digits of a timestamp
 * below the millisecond, and these only where timestamps become Dates.
 */
export function resultValue(value: DuckDBValue, options: ResultOptions): unknown {
  switch (typeof value) {
    case "bigint":
      return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
    case "object":
      return value === null ? null : objectValue(value, options);
    default:
      return value;
  }
}

function objectValue(value: DuckDBValue & object, options: ResultOptions): unknown {
  if (value instanceof DuckDBDecimalValue) return decimal(value);
  if (value instanceof DuckDBTimestampTZValue) return timestamp(value.micros, 1_000n, options, "+00");
  if (value instanceof DuckDBTimestampValue) return timestamp(value.micros, 1_000n, options, "");
  if (value instanceof DuckDBDateValue) {
    const ms = value.days * DAY_MS;
    return value.isFinite && Math.abs(ms) <= MAX_DATE_MS ? new Date(ms) : value.toString();
  }
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    return value.items.map((item) => resultValue(item, options));
  }
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(
      Object.entries(value.entries).map(([name, field]) => [name, resultValue(field, options)]),
    );
  }
  if (value instanceof DuckDBMapValue) {
    return value.entries.map((entry) => ({
      key: resultValue(entry.key, options),
      value: resultValue(entry.value, options),
    }));
  }
  if (value instanceof DuckDBBlobValue) return new Uint8Array(value.bytes);
  if (value instanceof DuckDBUnionValue) return resultValue(value.value, options);
  if (value instanceof DuckDBTimestampMillisecondsValue) return timestamp(value.millis, 1n, options, "");
  if (value instanceof DuckDBTimestampNanosecondsValue)
    return timestamp(value.nanos, 1_000_000n, options, "");
  if (value instanceof DuckDBTimestampSecondsValue) return timestamp(value.seconds * 1000n, 1n, options, "");
  return String(value);
}

/** A number where it preserves every digit, else a string with every digit. */
function decimal(value: DuckDBDecimalValue): number | string {
  const digits = (value.value < 0n ? -value.value : value.value).toString().length;
  return digits <= EXACT_DIGITS ? Number(value.toString()) : value.toString();
}

function timestamp(ticks: bigint, perMs: bigint, { timestamps }: ResultOptions, zone: string): Date | string {
  // Rounds towards the past, also before 1970.
  const ms = ticks / perMs - (ticks % perMs < 0n ? 1n : 0n);
  if (ms < -MAX_DATE_MS || ms > MAX_DATE_MS) return ticks < 0n ? "-infinity" : "infinity";
  const date = new Date(Number(ms));
  if (timestamps !== "text") return date;
  const width = perMs === 1_000n ? 3 : perMs === 1n ? 0 : 6;
  const below = width === 0 ? "" : (ticks - ms * perMs).toString().padStart(width, "0");
  return `${date.toISOString().slice(0, -1)}${below}${zone === "" ? "" : "Z"}`;
}
