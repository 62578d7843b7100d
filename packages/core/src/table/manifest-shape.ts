/** Returns what is wrong with a value, after the names that lead to it, or undefined. */
type Check = (value: unknown, path: string) => string | undefined;

/**
 * Returns the first thing that is wrong with the content of a manifest, such as
 * `files.0.bytes: Invalid input: expected number, received string`, or undefined if it has the shape of one. Other fields
 * are permitted: manifests of the Python system have some.
 */
export function explainManifest(value: unknown): string | undefined {
  return MANIFEST(value, "");
}

const text: Check = (value, path) =>
  typeof value === "string" ? undefined : mistyped("string", value, path);

const boolean: Check = (value, path) =>
  typeof value === "boolean" ? undefined : mistyped("boolean", value, path);

const number: Check = (value, path) => (Number.isFinite(value) ? undefined : mistyped("number", value, path));

const count: Check = (value, path) => {
  if (!Number.isFinite(value)) return mistyped("number", value, path);
  if (!Number.isInteger(value)) return mistyped("int", value, path);
  if (Number(value) < 0) return problem("Too small: expected number to be >=0", path);
  return Number.isSafeInteger(value)
    ? undefined
    : problem(`Too big: expected int to be <=${Number.MAX_SAFE_INTEGER}`, path);
};

const SHA256 = /^[0-9a-f]{64}$/;
const sha256: Check = (value, path) =>
  typeof value !== "string" || SHA256.test(value)
    ? text(value, path)
    : problem(`Invalid string: must match pattern ${SHA256}`, path);

const textOrNumber: Check = (value, path) =>
  typeof value === "string" || Number.isFinite(value) ? undefined : problem("Invalid input", path);

function optional(check: Check): Check {
  return (value, path) => (value === undefined ? undefined : check(value, path));
}

function nullable(check: Check): Check {
  return (value, path) => (value === null ? undefined : check(value, path));
}

function object(fields: Readonly<Record<string, Check>>): Check {
  const checks = Object.entries(fields);
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return mistyped("object", value, path);
    for (const [name, check] of checks) {
      // Only what the document itself holds: a name could also be inherited.
      const own = Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
      const found = check(own, below(path, name));
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function arrayOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return mistyped("array", value, path);
    for (const [i, element] of value.entries()) {
      const found = check(element, below(path, `${i}`));
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function below(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function mistyped(expected: string, value: unknown, path: string): string {
  return problem(`Invalid input: expected ${expected}, received ${received(value)}`, path);
}

function problem(message: string, path: string): string {
  return `${path || "the document"}: ${message}`;
}

function received(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  // JSON.parse returns Infinity for 1e999.
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : typeof value;
}

const MANIFEST = object({
  rows: optional(count),
  write_time: optional(text),
  entity: optional(text),
  schema_version: optional(textOrNumber),
  schema: optional(
    nullable(object({ fields: arrayOf(object({ name: text, type: text, nullable: optional(boolean) })) })),
  ),
  write_id: optional(text),
  files: optional(arrayOf(object({ name: text, rows: count, bytes: count, sha256 }))),
  replaced: optional(
    arrayOf(object({ name: text, etag: text, bytes: optional(number), sha256: optional(text) })),
  ),
  made_from: optional(object({ entity: text, version: text })),
});
