import { Buffer } from "#platform";
import { MAX_KEY_BYTES } from "../key.ts";
import { compareKeys } from "../key-order.ts";

/** The known facts about a place in a listing. */
export interface CutQuestion {
  /** Names of one page in order, at least two. */
  readonly names: readonly string[];
  /** The number of leading UTF-16 units that all names of the listing share: the prefix with its slash. */
  readonly base: number;
  /** How far behind the page the cut should be, in multiples of the page. */
  readonly pages: number;
  /** The name before which the cut must be; undefined for the end of the listing. */
  readonly end: string | undefined;
  /** Whether to return the middle between the page and the end where the end is estimated to come first. */
  readonly halve: boolean;
}

/** How many names of a page are looked at. */
const SAMPLE = 32;

/** How many characters after the first difference count. */
const PRECISION = 8;

/** Sets of characters of which names use all if they use several. */
const ALPHABETS = ["0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/** The shortest run of hexadecimal digits that is taken for a hash. */
const HASH_LENGTH = 8;

/**
 * Guesses a string that is a number of pages behind a page of names, if the names go on as densely as in the page. Names are read
 * as numbers whose digits are characters: where a place shows a decimal digit, all ten are expected there, and one that overflows
 * carries into the place before it that varies. So `week=9` of one year is continued by the next year, and numbers, dates, hashes
 * and words need no special rules. The string need not be a name; it ends with a slash if that is still behind the page.
 *
 * @returns undefined if the end is estimated to come first, or if no string is known to lie in between.
 */
export function guessCut({ names, base, pages, end, halve }: CutQuestion): string | undefined {
  const last = names.at(-1) ?? "";
  const sample = sampleOf(names).map((name) => Array.from(name.slice(base)));
  const [low = [], high = []] = [sample[0], sample.at(-1)];
  let same = 0;
  while (same < low.length && low[same] === high[same]) same++;
  const places = placesOf(sample, same + PRECISION);
  const [from, to] = [toNumber(low, places), toNumber(high, places)];
  const middle = end === undefined ? undefined : (to + toNumber(Array.from(end.slice(base)), places)) / 2n;
  // In thousandths: the estimate of the density is corrected by a factor.
  const estimate = to + ((to - from) * BigInt(Math.round(pages * 1000))) / 1000n;
  const target = halve && middle !== undefined && middle > to && middle < estimate ? middle : estimate;
  const text = toText(target, places);
  if (text === undefined) return undefined;
  // A folder of files is not cut, since readers of tables list such a folder again.
  const slash = text.lastIndexOf("/");
  const isFile = slash >= 0 && slashesIn(text) === slashesIn(last.slice(base));
  for (const cut of isFile ? [text.slice(0, slash + 1), text] : [text]) {
    const name = last.slice(0, base) + cut;
    if (compareKeys(name, last) <= 0) continue;
    return (end === undefined || compareKeys(name, end) < 0) && isPlain(name) ? name : undefined;
  }
  return undefined;
}

const slashesIn = (text: string): number => text.split("/").length - 1;

/** Whether a store takes the string as it is. R2 normalises names, which would move the cut. */
function isPlain(cut: string): boolean {
  return cut.isWellFormed() && cut.normalize("NFC") === cut && Buffer.byteLength(cut) <= MAX_KEY_BYTES;
}

/** The first name, the last one, and some in between. */
function sampleOf(names: readonly string[]): readonly string[] {
  const step = Math.max(1, Math.floor(names.length / SAMPLE));
  const sample = names.filter((_, i) => i % step === 0);
  return [...sample, names.at(-1) ?? ""];
}

/** The characters that a place of a name may have, in UTF-8 order. The end of a name is the empty string. */
type Place = readonly string[];

/** Returns the characters of each of the first places. A place that shows one character, and no digit, stays as it is. */
function placesOf(sample: readonly (readonly string[])[], length: number): readonly Place[] {
  const hashes = hashedPlaces(sample.at(-1) ?? []);
  return Array.from({ length }, (_, at) => {
    const shown = new Set(sample.map((name) => name[at] ?? ""));
    const isFixed = shown.size === 1;
    const hexadecimal = hashes.get(at);
    const alphabets = hexadecimal === undefined ? ALPHABETS.slice(0, isFixed ? 1 : undefined) : [hexadecimal];
    for (const alphabet of alphabets)
      if ([...alphabet].some((one) => shown.has(one))) for (const one of alphabet) shown.add(one);
    return [...shown].sort(compareKeys);
  });
}

/** The places of a name that are in a long run of hexadecimal digits, with the digits. */
function hashedPlaces(name: readonly string[]): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const run of name
    .map((one) => one[0])
    .join("")
    .matchAll(/[0-9a-f]+|[0-9A-F]+/g)) {
    const [text] = run;
    if (text.length < HASH_LENGTH || !/\d/.test(text) || !/[a-f]/i.test(text)) continue;
    const digits = /[a-f]/.test(text) ? "0123456789abcdef" : "0123456789ABCDEF";
    for (let i = 0; i < text.length; i++) found.set(run.index + i, digits);
  }
  return found;
}

/** Reads a name as a number; the first character that its place does not expect ends it. */
function toNumber(name: readonly string[], places: readonly Place[]): bigint {
  let number = 0n;
  let isKnown = true;
  for (const [at, place] of places.entries()) {
    const character = name[at] ?? "";
    const rank: number = isKnown ? place.indexOf(character) : 0;
    isKnown &&= rank >= 0;
    const expected = rank >= 0 ? rank : place.filter((one) => compareKeys(one, character) < 0).length;
    number = number * BigInt(place.length) + BigInt(expected);
  }
  return number;
}

/** Returns undefined for a number that is larger than all that the places can express. */
function toText(number: bigint, places: readonly Place[]): string | undefined {
  const characters: string[] = [];
  let rest = number;
  for (const place of [...places].reverse()) {
    characters.push(place[Number(rest % BigInt(place.length))] ?? "");
    rest /= BigInt(place.length);
  }
  if (rest > 0n) return undefined;
  characters.reverse();
  const ends = characters.indexOf("");
  return characters.slice(0, ends < 0 ? characters.length : ends).join("");
}
