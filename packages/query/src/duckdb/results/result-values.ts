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
import { exactDate, exactDecimal, exactInteger } from "@parquetry/core/unstable";
import type { ResultOptions } from "../duckdb.ts";
import { timestampValue } from "./timestamp-value.ts";

/** Turns a value of the driver into a JavaScript value, as documented at `QueryResult`. */
export function resultValue(value: DuckDBValue, options: ResultOptions): unknown {
  switch (typeof value) {
    case "bigint":
      return exactInteger(value);
    case "object":
      return value === null ? null : objectValue(value, options);
    default:
      return value;
  }
}

function objectValue(value: DuckDBValue & object, options: ResultOptions): unknown {
  const timestamp = (ticks: bigint, digits: number, isInstant = false): unknown =>
    timestampValue(ticks, digits, options.timestamps, isInstant);
  if (value instanceof DuckDBDecimalValue) return exactDecimal(value.value, value.width, value.scale);
  if (value instanceof DuckDBTimestampTZValue) return timestamp(value.micros, 3, true);
  if (value instanceof DuckDBTimestampValue) return timestamp(value.micros, 3);
  if (value instanceof DuckDBTimestampMillisecondsValue) return timestamp(value.millis, 0);
  if (value instanceof DuckDBTimestampNanosecondsValue) return timestamp(value.nanos, 6);
  if (value instanceof DuckDBTimestampSecondsValue) return timestamp(value.seconds * 1000n, 0);
  if (value instanceof DuckDBDateValue) return exactDate(BigInt(value.days));
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
  return String(value);
}
