/** Any value as a short text for a message: what JavaScript callers pass by mistake is of every kind. */
export function showValue(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  // JSON has no NaN.
  if (typeof value === "number") return String(value);
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
