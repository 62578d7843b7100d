/**
 * Returns any value as a short string for a message: callers without types pass values of every kind, also some whose use throws,
 * such as a revoked proxy.
 */
export function showValue(value: unknown): string {
  try {
    return show(value);
  } catch {
    return typeof value === "object" ? "an object that cannot be read" : `a ${typeof value}`;
  }
}

function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  // JSON would print NaN as null.
  if (typeof value === "number") return String(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const name = value.constructor?.name;
    if (name !== undefined && name !== "Object") return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;
  }
  try {
    const json = JSON.stringify(value) ?? String(value);
    return json.length > 200 ? `${json.slice(0, 200)}…` : json;
  } catch {
    return Array.isArray(value) ? "an array" : "an object";
  }
}
