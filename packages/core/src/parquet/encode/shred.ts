import { isYieldDue, yieldIfDue } from "../../bytes/concurrency/yield-if-due.ts";
import { ownValue, type Row } from "../../bytes/row.ts";
import type { ColumnType } from "../column-type.ts";

/** Values of lists and structs that are split between two looks at the clock. */
const LOOK_EVERY = 16;

/** A type without parts. */
export type LeafType = Extract<ColumnType, string>;

/** A leaf column of a schema. */
export interface LeafPlace {
  readonly type: LeafType;
  /** The names from the column to the leaf, with the `list` and `element` of lists. */
  readonly path: readonly string[];
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

/** Values that may be replaced. A typed array keeps numbers unboxed. */
export interface Values {
  readonly length: number;
  [index: number]: unknown;
}

/** The values of a leaf column in some rows, with Parquet's levels: one slot for each value and for each null or empty list. */
export interface ShreddedLeaf {
  readonly place: LeafPlace;
  /** The values that are not null, as they were given. The encoder may replace them. */
  readonly values: Values;
  readonly definition: ArrayLike<number> & { readonly length: number };
  /** Empty for a column without lists. */
  readonly repetition: readonly number[];
}

/** Returns the leaf columns of a column, in the order of the schema. */
export function leavesOf(
  type: ColumnType,
  path: readonly string[],
  definition = 0,
  repetition = 0,
): readonly LeafPlace[] {
  if (typeof type === "string")
    return [{ type, path, maxDefinition: definition + 1, maxRepetition: repetition }];
  if ("list" in type)
    return leavesOf(type.list, [...path, "list", "element"], definition + 2, repetition + 1);
  return type.struct.flatMap((field) =>
    leavesOf(field.type, [...path, field.name], definition + 1, repetition),
  );
}

/**
 * Splits the values of a column of lists or structs into its leaves (Dremel), and lets the event loop turn. Scalars are not checked
 * here.
 *
 * @param values the column, which may be used as the leaf's values.
 * @returns the leaves, or the index of the first value whose shape does not fit.
 */
export async function shred(
  type: ColumnType,
  places: readonly LeafPlace[],
  values: Values,
): Promise<readonly ShreddedLeaf[] | number> {
  const leaves = places.map((place) => ({ place, values: [], definition: [], repetition: [] }));
  const visitor = visitorOf(type, leaves.values(), 0);
  for (let i = 0; i < values.length; i++) {
    if (i % LOOK_EVERY === 0 && isYieldDue()) await yieldIfDue();
    if (!visitor.visit(values[i], 0, 0)) return i;
  }
  return leaves;
}

/** The definition levels of the last flat column without nulls: those of the next one are mostly the same. */
let lastOnes = new Uint8Array();

function allOnes(length: number): Uint8Array {
  if (lastOnes.length !== length) lastOnes = new Uint8Array(length).fill(1);
  return lastOnes;
}

/**
 * Returns the values of a column without parts as its leaf.
 *
 * @param column the column, which may be used as the leaf's values.
 */
export function shredFlat(place: LeafPlace, column: Values): ShreddedLeaf {
  if (ArrayBuffer.isView(column))
    return {
      place,
      values: holdsStored(column, place.type) ? column : Array.from(column),
      definition: allOnes(column.length),
      repetition: [],
    };
  const definition = levelsOf(column);
  if (definition === undefined)
    return { place, values: column, definition: allOnes(column.length), repetition: [] };
  let present = 0;
  for (let i = 0; i < definition.length; i++) present += definition[i] as number;
  const values = new Array<unknown>(present);
  for (let i = 0, to = 0; i < column.length; i++) if (definition[i] === 1) values[to++] = column[i];
  return { place, values, definition, repetition: [] };
}

/** The definition levels of a flat column, or undefined if it has no null. */
function levelsOf(column: Values): Uint8Array | undefined {
  let levels: Uint8Array | undefined;
  for (let i = 0; i < column.length; i++) {
    const value = column[i];
    if (value !== null && value !== undefined) continue;
    levels ??= new Uint8Array(column.length).fill(1);
    levels[i] = 0;
  }
  return levels;
}

/** Whether what is encoded for the numbers of a typed array can replace them there. */
function holdsStored(column: ArrayBufferView, type: LeafType): boolean {
  const isBig = column instanceof BigInt64Array || column instanceof BigUint64Array;
  return type === "int64" || (type === "double" && !isBig);
}

interface GrowingLeaf {
  readonly place: LeafPlace;
  readonly values: unknown[];
  readonly definition: number[];
  readonly repetition: number[];
}

/** Takes the values of one node of a type. */
interface Visitor {
  /** Takes a value whose ancestors have these levels. Returns false if its shape does not fit. */
  visit(value: unknown, definition: number, repetition: number): boolean;
}

function visitorOf(type: ColumnType, leaves: Iterator<GrowingLeaf>, depth: number): Visitor {
  if (typeof type === "string") return leafVisitor(leaves.next().value as GrowingLeaf);
  if ("list" in type) return listVisitor(visitorOf(type.list, leaves, depth + 1), depth + 1);
  return structVisitor(
    new Map(type.struct.map(({ name, type: field }) => [name, visitorOf(field, leaves, depth)])),
  );
}

function leafVisitor({ place, values, definition, repetition }: GrowingLeaf): Visitor {
  return {
    visit(value, level, repeated) {
      const isNull = value === null || value === undefined;
      definition.push(isNull ? level : level + 1);
      if (place.maxRepetition > 0) repetition.push(repeated);
      if (!isNull) values.push(value);
      return true;
    },
  };
}

function listVisitor(element: Visitor, ownRepetition: number): Visitor {
  return {
    visit(value, level, repeated) {
      if (value === null || value === undefined) return element.visit(null, level, repeated);
      if (!Array.isArray(value)) return false;
      if (value.length === 0) return element.visit(null, level + 1, repeated);
      for (let i = 0; i < value.length; i++)
        if (!element.visit(value[i], level + 2, i === 0 ? repeated : ownRepetition)) return false;
      return true;
    },
  };
}

function structVisitor(fields: ReadonlyMap<string, Visitor>): Visitor {
  const visitors = [...fields];
  return {
    visit(value, level, repeated) {
      if (value === null || value === undefined) {
        for (const [, field] of visitors) field.visit(null, level, repeated);
        return true;
      }
      if (typeof value !== "object" || value instanceof Date) return false;
      // An array, a typed array, a Map or a Set has no fields, and its items would be lost.
      if (Symbol.iterator in value) return false;
      const row = value as Row; // any other object can be read by field name
      // A field that the schema lacks would be lost.
      for (const name in row) if (row[name] !== undefined && !fields.has(name)) return false;
      for (const [name, field] of visitors)
        if (!field.visit(ownValue(row, name), level + 1, repeated)) return false;
      return true;
    },
  };
}
