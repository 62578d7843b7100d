import type { Value } from "./partitions.ts";
import { sortValues } from "./sort-values.ts";

/** The most values of an axis that are filled in between the first and the last. */
const MAX_FILLED = 2000;
/** An axis is filled in if at least one in this number of its values exists. */
const MAX_SPARSE = 4;

/** The sorted values of an axis, with those that are missing between the first and the last. */
export interface Axis {
  readonly values: readonly Value[];
  /** Why no missing value can be shown; absent where all are. */
  readonly unfilled?: string | undefined;
}

/** An order in which the next value is known. */
interface Order {
  /** The place of a value, or undefined if it is not in this order. */
  readonly placeOf: (text: string) => number | undefined;
  readonly textOf: (place: number, width: number) => string;
  /** True if values lie at equal distances of more than one place, such as a date every week. */
  readonly hasStep: boolean;
}

const DAY_MS = 86_400_000;

const ORDERS: readonly Order[] = [
  {
    placeOf: (text) => (/^(?:0|-?[1-9]\d{0,8})$/.test(text) ? Number(text) : undefined),
    textOf: String,
    hasStep: false,
  },
  {
    placeOf: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
    textOf: (place, width) => String(place).padStart(width, "0"),
    hasStep: false,
  },
  {
    placeOf: (text) => {
      const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
      // Date.parse accepts the 30th of February.
      return !Number.isNaN(ms) && isoDay(ms) === text ? ms / DAY_MS : undefined;
    },
    textOf: (place) => isoDay(place * DAY_MS),
    hasStep: true,
  },
  {
    placeOf: (text) => {
      const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
      return year === undefined ? undefined : Number(year) * 12 + Number(month) - 1;
    },
    textOf: (place) =>
      `${String(Math.floor(place / 12)).padStart(4, "0")}-${String((place % 12) + 1).padStart(2, "0")}`,
    hasStep: true,
  },
];

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Sorts the values of an axis, and fills in what is missing where the values are numbers, dates or months. */
export function axisOf(all: readonly Value[]): Axis {
  const distinct = sortValues(new Set(all));
  const texts = distinct.filter((value) => value !== null);
  const [first] = texts;
  if (first === undefined || texts.length === 1) return { values: distinct };
  for (const { placeOf, textOf, hasStep } of ORDERS) {
    const places = texts.map(placeOf);
    if (!places.every((place) => place !== undefined)) continue;
    // Two spellings of one number, 1 and 01, are two partitions: there is no telling how a missing one would be spelt.
    if (texts.some((text, i) => textOf(places[i] ?? 0, first.length) !== text)) continue;
    places.sort((a, b) => a - b);
    const [from = 0, to = 0] = [places[0], places.at(-1)];
    const step = hasStep ? places.reduce((gcd, place) => commonDivisor(gcd, place - from), 0) : 1;
    const count = (to - from) / step + 1;
    if (count > MAX_FILLED || count > MAX_SPARSE * texts.length)
      return { values: distinct, unfilled: "most values between the first and the last are missing" };
    const filled: Value[] = Array.from({ length: count }, (_, i) => textOf(from + i * step, first.length));
    return { values: distinct.includes(null) ? [...filled, null] : filled };
  }
  return { values: distinct, unfilled: "its values are neither numbers nor dates of one spelling" };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
