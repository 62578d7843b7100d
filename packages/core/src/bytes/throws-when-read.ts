/**
 * Returns whether reading a caller's value to its depth runs code that throws, such as a getter, a proxy or a `toString`, or never
 * ends, since the value holds itself. It tells the caller's fault from a fault of ours after a call has failed.
 */
export function throwsWhenRead(value: unknown): boolean {
  try {
    return holdsItself(value, new Set());
  } catch {
    return true;
  }
}

/** Reads everything in a value. Throws what the value's own code throws, or at a depth that no code of ours could read either. */
function holdsItself(value: unknown, ancestors: Set<object>): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  if (ancestors.has(value)) return true;
  ancestors.add(value);
  for (const inner of Object.values(value)) if (holdsItself(inner, ancestors)) return true;
  // After its content, since that of an array shows its elements.
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== null) String(value);
  ancestors.delete(value);
  return false;
}
