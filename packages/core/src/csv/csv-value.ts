/** The type of a CSV column, inferred from all of its values. */
export type CsvType = "integer" | "number" | "boolean" | "string";

const INTEGER = /^[+-]?(?:0|[1-9][0-9]*)$/;
const NUMBER = /^[+-]?(?:0|[1-9][0-9]*)?(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/**
 * Returns a column's type after one more value. A column is `integer` if every value is a whole number without leading zeros
 * that a JavaScript number holds exactly, `number` if every value is a decimal number, `boolean` if every value is `true` or
 * `false` in any case, and otherwise `string`: `00123` and `9007199254740993` keep all of their digits.
 */
export function narrowCsvType(type: CsvType | undefined, text: string): CsvType {
  const found = csvTypeOf(text);
  if (type === undefined || type === found) return found;
  if ((type === "integer" && found === "number") || (type === "number" && found === "integer"))
    return "number";
  return "string";
}

/** Converts a value to the type of its column. */
export function convertCsvValue(type: CsvType | undefined, text: string): string | number | boolean {
  if (type === "integer" || type === "number") return Number(text);
  if (type === "boolean") return text.toLowerCase() === "true";
  return text;
}

function csvTypeOf(text: string): CsvType {
  if (INTEGER.test(text)) return Number.isSafeInteger(Number(text)) ? "integer" : "string";
  if (text !== "" && NUMBER.test(text) && /[0-9]/.test(text) && Number.isFinite(Number(text)))
    return "number";
  return /^(?:true|false)$/i.test(text) ? "boolean" : "string";
}
