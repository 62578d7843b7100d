import { exactDate, exactDecimal, exactInteger } from "@parquetry/core/unstable";
import { type ResultOptions, timestampValue } from "@parquetry/query/unstable";
import { parseSignature, type TypeSignature } from "./protocol.ts";

/** Turns a value of Trino's JSON into one of the rule at `QueryResult`. */
export type Converter = (value: unknown) => unknown;

const DAY_MS = 86_400_000;
const TICKS_PER_SECOND = 1_000_000_000_000n;
const DIGITS = 12;
/** `2024-02-29 12:00:00.123456 UTC`: the year can have a sign and more digits. */
const TIMESTAMP = /^([+-]?\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?: (.+))?$/;
const DATE = /^([+-]?\d{4,})-(\d\d)-(\d\d)$/;
const OFFSET = /^([+-])(\d\d):(\d\d)$/;
/** Date's months and years repeat after 400 years. */
const CYCLE_YEARS = 400n;
const CYCLE_DAYS = 146_097n;

/** The converter of a type. Types that Parquetry has no rule for keep Trino's JSON, which is text for most. */
export function converterOf(type: TypeSignature, options: ResultOptions): Converter {
  const convert = converter(type, options);
  return (value) => (value === null || value === undefined ? null : convert(value));
}

function converter(type: TypeSignature, options: ResultOptions): Converter {
  const { rawType, arguments: args } = type;
  const inner = (index: number): Converter => {
    const signature = parseSignature(args[index]?.value);
    return signature === undefined ? (value) => value : converterOf(signature, options);
  };
  switch (rawType) {
    case "boolean":
      return (value) => value === true || value === "true";
    case "tinyint":
    case "smallint":
    case "integer":
    case "bigint":
      return (value) => (typeof value === "number" ? value : exactInteger(BigInt(String(value))));
    case "real":
    case "double":
      // NaN and the infinities are text.
      return (value) => (typeof value === "number" ? value : Number(value));
    case "decimal":
      return decimalConverter(Number(args[0]?.value ?? 38), Number(args[1]?.value ?? 0));
    case "varbinary":
      return (value) => new Uint8Array(Buffer.from(String(value), "base64"));
    case "date":
      return (value) => dateValue(String(value));
    case "timestamp":
    case "timestamp with time zone": {
      const precision = Number(args[0]?.value ?? 3);
      const isInstant = rawType !== "timestamp";
      return (value) => timestampOf(String(value), precision, options, isInstant);
    }
    case "array": {
      const item = inner(0);
      return (value) => (Array.isArray(value) ? value.map(item) : value);
    }
    case "map":
      return mapConverter(inner(0), inner(1));
    case "row":
      return rowConverter(type, options);
    default:
      return (value) => value;
  }
}

function decimalConverter(precision: number, scale: number): Converter {
  return (value) => exactDecimal(BigInt(String(value).replace(".", "")), precision, scale);
}

/** A map is a JSON object, whose keys are text whatever their type. */
function mapConverter(key: Converter, item: Converter): Converter {
  return (value) =>
    typeof value === "object" && value !== null
      ? Object.entries(value).map(([k, v]) => ({ key: key(k), value: item(v) }))
      : value;
}

function rowConverter({ arguments: args }: TypeSignature, options: ResultOptions): Converter {
  const fields = args.map(({ value }, index) => {
    const field = (value ?? {}) as {
      readonly fieldName?: { readonly name?: unknown } | null;
      readonly typeSignature?: unknown;
    };
    const signature = parseSignature(field.typeSignature);
    return {
      name: String(field.fieldName?.name ?? `field${index}`),
      convert: signature === undefined ? (one: unknown) => one : converterOf(signature, options),
    };
  });
  return (value) =>
    Array.isArray(value)
      ? Object.fromEntries(fields.map(({ name, convert }, index) => [name, convert(value[index])]))
      : value;
}

function dateValue(text: string): unknown {
  const [, year, month, day] = DATE.exec(text) ?? [];
  return year === undefined ? text : exactDate(daysOf(year, Number(month), Number(day)));
}

/** The days since 1970, also for years that a Date does not hold. */
function daysOf(year: string, month: number, day: number): bigint {
  const whole = BigInt(year.replace(/^\+/, ""));
  const within = ((whole % CYCLE_YEARS) + CYCLE_YEARS) % CYCLE_YEARS;
  // A year below 100 would be one of the 20th century.
  const days = Date.UTC(Number(within) + 2000, month - 1, day) / DAY_MS;
  return BigInt(days) + ((whole - within) / CYCLE_YEARS - 5n) * CYCLE_DAYS;
}

function timestampOf(text: string, precision: number, options: ResultOptions, isInstant: boolean): unknown {
  const [, year, month, day, hour, minute, second, fraction = "", zone] = TIMESTAMP.exec(text) ?? [];
  if (year === undefined) return text;
  const seconds =
    daysOf(year, Number(month), Number(day)) * 86_400n +
    BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second));
  const offset = isInstant ? offsetOf(seconds, zone ?? "UTC") : 0n;
  // The hour that a clock repeats in autumn: the text does not tell which of both it is.
  if (offset === undefined) return text;
  const ticks = (seconds - offset) * TICKS_PER_SECOND + BigInt(fraction.padEnd(DIGITS, "0"));
  const digits = Math.max(0, precision - 3);
  return timestampValue(ticks / 10n ** BigInt(DIGITS - 3 - digits), digits, options.timestamps, isInstant);
}

/** The seconds that a zone is ahead of UTC at a local time. Undefined where the local time exists twice. */
function offsetOf(localSeconds: bigint, zone: string): bigint | undefined {
  if (zone === "UTC" || zone === "Z") return 0n;
  const [, sign, hours, minutes] = OFFSET.exec(zone) ?? [];
  if (sign !== undefined) {
    const seconds = BigInt(Number(hours) * 3600 + Number(minutes) * 60);
    return sign === "-" ? -seconds : seconds;
  }
  const around = [-86_400n, 0n, 86_400n].map((shift) => zoneOffset(localSeconds + shift, zone));
  const fitting = new Set(
    around.filter((offset) => offset !== undefined && zoneOffset(localSeconds - offset, zone) === offset),
  );
  return fitting.size === 1 ? [...fitting][0] : undefined;
}

function zoneOffset(utcSeconds: bigint, zone: string): bigint | undefined {
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
    const name = format.formatToParts(Number(utcSeconds) * 1000).find(({ type }) => type === "timeZoneName");
    const [, sign, hours, minutes = "0", seconds = "0"] =
      /^GMT(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?$/.exec(name?.value ?? "") ?? [];
    if (sign === undefined) return 0n;
    const all = BigInt(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
    return sign === "-" ? -all : all;
  } catch {
    // A zone that this Node does not know, or a time beyond a Date.
    return undefined;
  }
}
