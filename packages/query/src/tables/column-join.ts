const SIGNED = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"];
const UNSIGNED = ["UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"];
/** The most decimal digits of each integer type. */
const INTEGER_DIGITS: Readonly<Record<string, number>> = {
  TINYINT: 3,
  SMALLINT: 5,
  INTEGER: 10,
  BIGINT: 19,
  UTINYINT: 3,
  USMALLINT: 5,
  UINTEGER: 10,
  UBIGINT: 20,
};
const MAX_DECIMAL_DIGITS = 38;

/**
 * The narrowest type that holds every value of both types unchanged, or undefined:
 *
 * - integers of different sizes: the larger; signed and unsigned: the next larger signed one
 * - an integer or FLOAT with DOUBLE, an integer with FLOAT: DOUBLE (a whole number that DOUBLE cannot hold exactly fails the
 *   query)
 * - DECIMAL with DECIMAL or an integer: the DECIMAL that has room for both, up to 38 digits
 * - DATE with TIMESTAMP, and TIMESTAMP of different units but nanoseconds: TIMESTAMP
 * - JSON with VARCHAR: VARCHAR
 * - lists: the list of the joined type of their elements
 *
 * Never BOOLEAN with a number, and never a number with VARCHAR.
 */
export function joinTypes(a: string, b: string): string | undefined {
  if (a === b) return a;
  if (a.endsWith("[]") && b.endsWith("[]")) {
    const element = joinTypes(a.slice(0, -2), b.slice(0, -2));
    return element === undefined || element === "DOUBLE" ? undefined : `${element}[]`;
  }
  return joinIntegers(a, b) ?? joinFloats(a, b) ?? joinDecimals(a, b) ?? joinTimes(a, b) ?? joinTexts(a, b);
}

const isInteger = (type: string): boolean => SIGNED.includes(type) || UNSIGNED.includes(type);

function joinIntegers(a: string, b: string): string | undefined {
  for (const family of [SIGNED, UNSIGNED]) {
    if (family.includes(a) && family.includes(b)) return family.indexOf(a) > family.indexOf(b) ? a : b;
  }
  const unsigned = UNSIGNED.includes(a) ? a : UNSIGNED.includes(b) ? b : undefined;
  const signed = SIGNED.includes(a) ? a : SIGNED.includes(b) ? b : undefined;
  if (unsigned === undefined || signed === undefined) return undefined;
  return SIGNED[Math.max(UNSIGNED.indexOf(unsigned) + 1, SIGNED.indexOf(signed))];
}

function joinFloats(a: string, b: string): string | undefined {
  const isFloat = (type: string): boolean => type === "DOUBLE" || type === "FLOAT";
  if (!isFloat(a) && !isFloat(b)) return undefined;
  return [a, b].every((type) => isFloat(type) || isInteger(type)) ? "DOUBLE" : undefined;
}

function joinDecimals(a: string, b: string): string | undefined {
  if (!a.startsWith("DECIMAL(") && !b.startsWith("DECIMAL(")) return undefined;
  const [first, second] = [decimalShape(a), decimalShape(b)];
  if (first === undefined || second === undefined) return undefined;
  const scale = Math.max(first.scale, second.scale);
  const digits = Math.max(first.digits - first.scale, second.digits - second.scale) + scale;
  return digits <= MAX_DECIMAL_DIGITS ? `DECIMAL(${digits},${scale})` : undefined;
}

function decimalShape(type: string): { readonly digits: number; readonly scale: number } | undefined {
  const digits = INTEGER_DIGITS[type];
  if (digits !== undefined) return { digits, scale: 0 };
  const match = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  return match === null ? undefined : { digits: Number(match[1]), scale: Number(match[2]) };
}

function joinTimes(a: string, b: string): string | undefined {
  const times = ["DATE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP"];
  return times.includes(a) && times.includes(b) ? "TIMESTAMP" : undefined;
}

function joinTexts(a: string, b: string): string | undefined {
  return [a, b].every((type) => type === "VARCHAR" || type === "JSON") ? "VARCHAR" : undefined;
}
