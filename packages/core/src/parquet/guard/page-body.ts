import type { ParquetType } from "hyparquet";
import { checkDelta } from "./delta-blocks.ts";
import type { FileBudget } from "./file-budget.ts";
import type { PageHeader } from "./page-header.ts";
import { checkRuns, firstOfRuns } from "./rle-runs.ts";

/** The bytes of a page, decompressed. */
export interface PageBody {
  /** The levels of a `data v2` page, which are never compressed. In a `data` page they precede the values. */
  readonly levels: Uint8Array;
  readonly values: Uint8Array;
}

/** The facts about a column that its pages are checked against. */
export interface LeafFacts {
  readonly type: ParquetType;
  /** The size of a FIXED_LEN_BYTE_ARRAY value, in bytes. */
  readonly typeLength: number;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

const FIXED_BYTES: Readonly<Partial<Record<ParquetType, number>>> = {
  INT32: 4,
  FLOAT: 4,
  INT64: 8,
  DOUBLE: 8,
  INT96: 12,
};

const bitWidth = (value: number): number => 32 - Math.clz32(value);

/**
 * Checks everything in a decompressed page that a decoder would rely on: the runs of its levels and dictionary indices, its
 * deltas, its lengths. No value is decoded, so this takes a small part of the time of decoding.
 *
 * @throws Error that describes the first problem.
 */
export function checkDataPage(
  { levels, values }: PageBody,
  page: PageHeader,
  leaf: LeafFacts,
  hasDictionary: boolean,
  budget: FileBudget,
): void {
  const isV2 = page.kind === "data v2";
  const { start, present } = isV2 ? checkLevelsV2(levels, page, leaf) : checkLevels(values, page, leaf);
  checkValues(values.subarray(start), page, leaf, present, hasDictionary, budget);
}

/** Whether the first value of a checked page begins a row: its repetition level is 0. */
export function beginsRow({ levels, values }: PageBody, page: PageHeader, leaf: LeafFacts): boolean {
  if (leaf.maxRepetition === 0 || page.values === 0) return true;
  const width = bitWidth(leaf.maxRepetition);
  // A `data` page has the length of its levels before them.
  return (page.kind === "data v2" ? firstOfRuns(levels, 0, width) : firstOfRuns(values, 4, width)) === 0;
}

/** Checks that the bytes of a dictionary, which is PLAIN, can hold its values. */
export function checkDictionary(page: PageHeader, leaf: LeafFacts): void {
  const least = leaf.type === "FIXED_LEN_BYTE_ARRAY" ? leaf.typeLength : (FIXED_BYTES[leaf.type] ?? 4);
  const bytes = leaf.type === "BOOLEAN" ? page.values / 8 : page.values * least;
  if (bytes > page.uncompressed)
    throw new Error(`a dictionary of ${page.uncompressed} bytes claims ${page.values} values`);
}

interface Levels {
  /** The offset of the values. */
  readonly start: number;
  /** Returns how many values are not null. */
  present(): number;
}

function checkLevels(body: Uint8Array, { values }: PageHeader, leaf: LeafFacts): Levels {
  const { maxRepetition, maxDefinition } = leaf;
  let start = 0;
  let present = (): number => values;
  for (const most of [maxRepetition, maxDefinition]) {
    if (most === 0) continue;
    const from = start + 4;
    const end = from + uint32(body, start);
    if (end > body.byteLength) throw new Error("a page's levels run beyond its bytes");
    checkLevelRuns(body, from, end, most, values);
    if (most === maxDefinition)
      present = () => checkRuns(body, from, end, bitWidth(most), values, most).found;
    start = end;
  }
  return { start, present };
}

function checkLevelsV2(levels: Uint8Array, page: PageHeader, leaf: LeafFacts): Levels {
  const { repetitionBytes, definitionBytes, values, nulls } = page;
  const end = repetitionBytes + definitionBytes;
  if (leaf.maxRepetition > 0) checkLevelRuns(levels, 0, repetitionBytes, leaf.maxRepetition, values);
  if (leaf.maxDefinition > 0) checkLevelRuns(levels, repetitionBytes, end, leaf.maxDefinition, values);
  else if (definitionBytes > 0) throw new Error("a page has levels that its column lacks");
  return { start: 0, present: () => values - nulls };
}

function checkLevelRuns(body: Uint8Array, start: number, end: number, most: number, values: number): void {
  const { seen } = checkRuns(body, start, end, bitWidth(most), values);
  if (seen < values) throw new Error(`a page of ${values} values has levels for ${seen}`);
}

function checkValues(
  body: Uint8Array,
  page: PageHeader,
  leaf: LeafFacts,
  present: () => number,
  hasDictionary: boolean,
  budget: FileBudget,
): void {
  const { encoding, values } = page;
  const isBoolean = leaf.type === "BOOLEAN";
  switch (encoding) {
    case "PLAIN":
      return;
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY":
      if (!hasDictionary) throw new Error("a page refers to a dictionary that its column lacks");
      if (isBoolean) throw new Error("a page refers to a dictionary of booleans");
      checkIndexRuns(body, page);
      return;
    case "RLE":
      if (!isBoolean) throw new Error("a page holds runs of values that are not booleans");
      // A page of nulls may have no bytes here.
      if (body.byteLength >= 4) checkRuns(body, 4, Math.min(body.byteLength, 4 + uint32(body, 0)), 1, values);
      return;
    case "DELTA_BINARY_PACKED":
    case "DELTA_LENGTH_BYTE_ARRAY":
      checkDelta(body, 0, present());
      return;
    case "DELTA_BYTE_ARRAY": {
      const count = present();
      const prefixes = checkDelta(body, 0, count, true);
      const suffixes = checkDelta(body, prefixes.end, count, true);
      // Prefixes are copied, so a few bytes can produce any number of bytes.
      budget.chargeBytes(prefixes.sum + suffixes.sum);
      return;
    }
    case "BYTE_STREAM_SPLIT": {
      const width = leaf.type === "FIXED_LEN_BYTE_ARRAY" ? leaf.typeLength : (FIXED_BYTES[leaf.type] ?? 0);
      const count = present();
      if (count * width > body.byteLength)
        throw new Error(`a page of ${body.byteLength} bytes claims ${count} values of ${width}`);
      return;
    }
    default:
      throw new Error(`parquet unsupported encoding: ${encoding}`);
  }
}

function checkIndexRuns(body: Uint8Array, { kind, values }: PageHeader): void {
  const width = body[0];
  // A page of nulls may have no bytes here; a `data` page with indices of no bits has no runs.
  if (width === undefined || (width === 0 && kind === "data")) return;
  checkRuns(body, 1, body.byteLength, width, values);
}

function uint32(bytes: Uint8Array, offset: number): number {
  if (offset + 4 > bytes.byteLength) throw new Error("a page's levels run beyond its bytes");
  return new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0, true);
}
