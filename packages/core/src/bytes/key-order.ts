/**
 * Compares strings by their UTF-8 bytes, the order in which S3 lists keys. JavaScript's `<` compares UTF-16 units, which puts
 * characters above U+FFFF before U+E000–U+FFFF.
 *
 * @returns negative, zero or positive, for `Array.prototype.sort`.
 * @example
 * ```ts
 * ["a/b", "a0", "a.b"].sort(compareKeys); // ["a.b", "a/b", "a0"]
 * ```
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return byteRank(x) - byteRank(y);
  }
  return a.length - b.length;
}

/** Moves surrogates (U+D800–U+DFFF, the halves of U+10000 and above) behind U+E000–U+FFFF. */
function byteRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
