/** Surrogates sort above the rest of the plane in UTF-8, although not in UTF-16. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/**
 * Compares two strings by their UTF-8 bytes without encoding them.
 *
 * @example
 * compareUtf8("\u{ff5e}", "\u{1f600}"); // negative; JavaScript's `<` says otherwise
 */
export function compareUtf8(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}
