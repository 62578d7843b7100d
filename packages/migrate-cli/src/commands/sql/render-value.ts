/**
 * A value as text: NULL as `nullText`, dates and times in ISO 8601, bytes as hex, lists and structs as JSON.
 *
 * @param type its SQL type: a DATE is written without a time.
 */
export function renderValue(value: unknown, type: string, nullText = ""): string {
  if (value === null || value === undefined) return nullText;
  if (typeof value === "string") return value;
  if (value instanceof Date) return renderDate(value, type);
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  return typeof value === "object" ? renderJson(value) : String(value);
}

/** A value as JSON. A bigint keeps all of its digits, which JSON allows and `JSON.stringify` does not. */
export function renderJson(value: unknown, type = ""): string {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Date) return JSON.stringify(renderDate(value, type));
  if (value instanceof Uint8Array) return JSON.stringify(`\\x${Buffer.from(value).toString("hex")}`);
  if (Array.isArray(value)) return `[${value.map((item) => renderJson(item)).join(",")}]`;
  if (typeof value === "number" && !Number.isFinite(value)) return JSON.stringify(String(value));
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(
      ([name, field]) => `${JSON.stringify(name)}:${renderJson(field)}`,
    );
    return `{${fields.join(",")}}`;
  }
  return JSON.stringify(value ?? null);
}

function renderDate(date: Date, type: string): string {
  const iso = date.toISOString();
  return type === "DATE" ? iso.slice(0, iso.indexOf("T")) : iso;
}
