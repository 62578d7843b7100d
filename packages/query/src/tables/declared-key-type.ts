/** The names that SQL has for each type of a partition key. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  VARCHAR: ["TEXT", "STRING", "CHAR", "BPCHAR"],
  BOOLEAN: ["BOOL", "LOGICAL"],
  TINYINT: ["INT1"],
  SMALLINT: ["INT2", "SHORT"],
  INTEGER: ["INT4", "INT", "SIGNED"],
  BIGINT: ["INT8", "LONG"],
  HUGEINT: ["INT128"],
  UTINYINT: ["UINT8"],
  USMALLINT: ["UINT16"],
  UINTEGER: ["UINT32"],
  UBIGINT: ["UINT64"],
  UHUGEINT: ["UINT128"],
  FLOAT: ["REAL", "FLOAT4"],
  DOUBLE: ["FLOAT8", "DOUBLE PRECISION"],
  DATE: [],
  TIME: [],
  TIMESTAMP: ["DATETIME"],
  TIMESTAMP_S: [],
  TIMESTAMP_MS: [],
  TIMESTAMP_NS: [],
  "TIMESTAMP WITH TIME ZONE": ["TIMESTAMPTZ"],
  UUID: ["GUID"],
};
const CANONICAL = new Map(
  Object.entries(NAMES).flatMap(([type, others]) => [type, ...others].map((name) => [name, type])),
);
const DECIMAL = /^(?:DECIMAL|NUMERIC|DEC)(?:\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?$/;
const MAX_DECIMAL_DIGITS = 38;

/** The types that a key can be declared with, for messages. */
export const DECLARED_KEY_TYPES: string = [...Object.keys(NAMES), "DECIMAL(digits, scale)"].join(", ");

/** The type, as DuckDB spells it, that a declaration of a key means. Undefined where a key cannot have it. */
export function declaredKeyType(declared: string): string | undefined {
  const name = declared.trim().replace(/\s+/g, " ").toUpperCase();
  const decimal = DECIMAL.exec(name);
  if (decimal === null) return CANONICAL.get(name);
  const [, digits, scale] = decimal;
  // As in SQL.
  const [wide, fine] = [Number(digits ?? 18), Number(scale ?? (digits === undefined ? 3 : 0))];
  return wide >= 1 && wide <= MAX_DECIMAL_DIGITS && fine <= wide ? `DECIMAL(${wide},${fine})` : undefined;
}
