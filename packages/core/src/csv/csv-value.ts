import type { CsvField } from "./csv-parser.ts";

/** The type of a CSV column, inferred from all of its values. */
export type CsvType = "integer" | "number" | "boolean" | "string";

const INTEGER = /^[+-]?(?:0|[1-9][0-9]*)$/;
const DECIMAL = /^[+-]?((?:0|[1-9][0-9]*)?(?:\.[0-9]+)?)(?:[eE][+-]?[0-9]+)?$/;
/** Numbers that have no digits, as JavaScript, Python, DuckDB and R write them. */
const NOT_FINITE: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["nan", Number.NaN],
  ...["Infinity", "inf", "Inf"].flatMap((text): [string, number][] => [
    [text, Number.POSITIVE_INFINITY],
    [`-${text}`, Number.NEGATIVE_INFINITY],
  ]),
]);
/** A double keeps any number of this many digits. */
const SAFE_DIGITS = 15;
/** Doubles below this one have fewer digits. */
const MIN_NORMAL = 2.2250738585072014e-308;
/** The most digits that `toPrecision` prints. */
const MAX_DIGITS = 100;

/**
 * Returns a column's type after one more value. A column is `integer` if every value is a whole number without leading zeros
 * that a JavaScript number holds exactly, `number` if every value is a decimal number whose digits a JavaScript number keeps,
 * `boolean` if every value is `true` or `false` in any case, and otherwise `string`: `00123`, `9007199254740993` and
 * `12345678901234567.89` keep all of their digits.
 */
export function narrowCsvType(type: CsvType | undefined, text: string): CsvType {
  const found = csvTypeOf(text);
  if (type === undefined || type === found) return found;
  if ((type === "integer" && found === "number") || (type === "number" && found === "integer"))
    return "number";
  return "string";
}

/** Converts a field, which is not null, to the type of its column. An empty one is null in a column of numbers or booleans. */
export function convertCsvField(
  type: CsvType | undefined,
  field: CsvField,
): string | number | boolean | null {
  const text = field ?? "";
  if (type === undefined || type === "string") return text;
  if (text === "") return null;
  return type === "boolean" ? text.toLowerCase() === "true" : (NOT_FINITE.get(text) ?? Number(text));
}

function csvTypeOf(text: string): CsvType {
  if (INTEGER.test(text)) return Number.isSafeInteger(Number(text)) ? "integer" : "string";
  const mantissa = DECIMAL.exec(text)?.[1];
  if (mantissa) return keepsDigits(text, mantissa) ? "number" : "string";
  if (NOT_FINITE.has(text)) return "number";
  return /^(?:true|false)$/i.test(text) ? "boolean" : "string";
}

/** True if the nearest double has the same digits as the text, printed as short as possible or with as many digits. */
function keepsDigits(text: string, mantissa: string): boolean {
  const value = Math.abs(Number(text));
  if (value === Number.POSITIVE_INFINITY) return false;
  const digits = significantDigits(mantissa);
  if (digits === "") return true;
  if (digits.length <= SAFE_DIGITS && value >= MIN_NORMAL) return true;
  if (digits.length > MAX_DIGITS) return false;
  // The shortest form need not be the nearest one of that length: 1260173128852469.25 is printed as 1260173128852469.2.
  return [String(value), value.toPrecision(digits.length)].some(
    (printed) => significantDigits(printed.replace(/e.*/, "")) === digits,
  );
}

/** The digits from the first to the last that is not 0. */
function significantDigits(mantissa: string): string {
  return mantissa.replace(".", "").replace(/^0+/, "").replace(/0+$/, "");
}
