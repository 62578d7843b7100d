import type { ColumnSchema, ColumnType, Row } from "../../src/index.ts";
import { AWKWARD_NAMES } from "./awkward-names.ts";

/** Random numbers that a seed repeats. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** A table with its schema. */
export interface RandomTable {
  readonly schema: readonly ColumnSchema[];
  readonly rows: readonly Row[];
}

const SCALARS = ["int64", "double", "boolean", "string", "timestamp", "binary", "json", "null"] as const;
/** Around these, runs begin and end, groups of eight are padded, and row groups end. */
const ROW_COUNTS = [0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100, 129, 500, 2000];

/** Returns a table; one in fifty has several row groups. */
export function randomTable(seed: number): RandomTable {
  const random = new Random(seed);
  const isLarge = seed % 50 === 49;
  const schema = fields(random, isLarge ? 2 : 4, 0);
  const rowCount = isLarge ? 20_000 + random.below(25_000) : random.of(ROW_COUNTS);
  const makers = schema.map(({ name, type }) => [name, maker(random, type, isLarge)] as const);
  const rows = Array.from({ length: rowCount }, () => {
    const row: Record<string, unknown> = {};
    for (const [name, make] of makers) {
      const value = make();
      if (value !== undefined) row[name] = value;
    }
    return row;
  });
  return { schema, rows };
}

function fields(random: Random, most: number, depth: number): ColumnSchema[] {
  const names = new Map<string, string>();
  for (let i = 1 + random.below(most); i > 0; i--) {
    const name = random.of(AWKWARD_NAMES);
    names.set(name.toLowerCase(), name);
  }
  return [...names.values()].map((name) => ({ name, type: randomType(random, depth) }));
}

function randomType(random: Random, depth: number): ColumnType {
  const kind = random.below(10);
  if (depth < 4 && kind === 0) return { struct: fields(random, 3, depth + 1) };
  if (depth < 4 && kind === 1) return { list: randomType(random, depth + 1) };
  return random.of(SCALARS);
}

/** Returns a function that makes the next value of a column: nulls alone, in runs, or never; few, many or sorted values. */
function maker(random: Random, type: ColumnType, isLarge: boolean): () => unknown {
  const present = presentMaker(random, type, isLarge);
  const nulls = random.of([0, 0, 0.02, 0.5, 0.98, 1]);
  const length = random.of([1, 1, 7, 8, 9, 70]);
  const pool = random.of([0, 0, 1, 2, 3, 17, 257]);
  const values = Array.from({ length: pool }, present);
  let left = 0;
  let value: unknown;
  return () => {
    if (left-- > 0) return value;
    left = length === 1 ? 0 : random.below(2 * length);
    if (random.next() < nulls) value = random.of([null, undefined]);
    else value = pool > 0 ? random.of(values) : present();
    return value;
  };
}

function presentMaker(random: Random, type: ColumnType, isLarge: boolean): () => unknown {
  if (typeof type === "object") {
    if ("list" in type) {
      const item = maker(random, type.list, isLarge);
      const most = isLarge ? 3 : random.of([1, 2, 4, 30]);
      return () => Array.from({ length: random.below(most + 1) }, item);
    }
    const makers = type.struct.map(({ name, type: field }) => [name, maker(random, field, isLarge)] as const);
    return () => Object.fromEntries(makers.map(([name, make]) => [name, make()]));
  }
  switch (type) {
    case "int64": {
      const magnitude = random.of([1, 100, 2 ** 31, 2 ** 53 - 1]);
      const isBig = random.below(4) === 0;
      let next = 0;
      const isSorted = random.below(3) === 0;
      return () => {
        if (isSorted) return next++;
        if (isBig && random.below(3) === 0)
          return random.of([-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n, -(2n ** 53n) - 1n, 0n, 5n]);
        return Math.round((random.next() * 2 - 1) * magnitude) || 0;
      };
    }
    case "double": {
      const odd = random.of([0, 0, 0.01, 0.3]);
      const few = random.of([
        [0, -0],
        [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, -1.7e308],
        [Number.NaN, 0],
        [0.1],
      ]);
      return () => (random.next() < odd ? random.of(few) : (random.next() - 0.5) * 10 ** random.below(9));
    }
    case "boolean":
      return () => random.below(2) === 1;
    case "timestamp":
      return () => new Date(random.of([0, 1, -1, 253402300799999, -62135596800000, random.below(2 ** 40)]));
    case "json":
      return () =>
        random.of<unknown>([1, "x", "é\u{1f3c8}", true, [], {}, [1, null], { a: { b: "c" } }, -0.5]);
    case "null":
      return () => null;
    case "string":
      return textMaker(random, isLarge);
    case "binary": {
      const text = textMaker(random, isLarge);
      // A Buffer shares memory where a Uint8Array copies.
      return () => {
        const bytes = random.below(2) === 0 ? new Uint8Array(Buffer.from(text())) : Buffer.from(text());
        if (bytes.length > 0 && random.below(3) === 0) bytes.fill(255, random.below(bytes.length));
        return bytes;
      };
    }
  }
}

const PIECES = [
  "a",
  "b",
  "z",
  "\x7f",
  "~",
  "é",
  "߿",
  "ࠀ",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "\u{10000}",
  "\u{10ffff}",
  "0",
  "\0",
];

/** Texts around the length at which bounds are cut, of characters of every length; now and then a text that fills pages. */
function textMaker(random: Random, isLarge: boolean): () => string {
  const prefix = random.of([
    "",
    "a",
    "é",
    "\x7f".repeat(16),
    "é".repeat(8),
    "x".repeat(14),
    "x".repeat(13),
    "\u{10ffff}".repeat(5),
  ]);
  const pieces = random.of([PIECES, PIECES.slice(0, 3), PIECES.slice(3), ["\u{10ffff}", "\x7f"]]);
  const most = random.of([0, 1, 5, 20]);
  const isHuge = !isLarge && random.below(12) === 0;
  return () => {
    let text = prefix;
    for (let i = random.below(most + 1); i > 0; i--) text += random.of(pieces);
    return isHuge && random.below(60) === 0
      ? text.padEnd(300_000 + random.below(300_000), text || "x")
      : text;
  };
}
