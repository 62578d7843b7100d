import {
  type ColumnMetaData,
  type FileMetaData,
  parquetSchema,
  type SchemaElement,
  type SchemaTree,
} from "hyparquet";
import { chunkRange } from "../column-chunks.ts";
import { decoderName } from "../decoder-schema.ts";
import type { FileBudget } from "./file-budget.ts";
import { checkLimit, type ParquetLimits } from "./limits.ts";
import type { LeafFacts } from "./page-body.ts";

/** The magic at both ends, and the length of the footer. */
const MIN_FILE_BYTES = 12;
const MAGIC_BYTES = 4;
const MAX_ELEMENTS = 2 ** 14;
const MAX_DEPTH = 64;
/** The widest decimals of any known writer have 77 digits. */
const MAX_DIGITS = 100;
/** How many plain values take as much memory as a value that is a separate object in JavaScript. */
const OBJECT_WEIGHT = 4;

/** A leaf of the schema, which has one column chunk in each row group. */
export interface Leaf extends LeafFacts {
  /** How much memory a value takes, relative to a value of a flat column of numbers. */
  readonly weight: number;
  /** Its path in {@link decoderSchema}. */
  readonly decoderPath: readonly string[];
}

/** The columns of a footer, which have been checked. */
export interface CheckedColumns {
  readonly tree: SchemaTree;
  readonly leaves: ReadonlyMap<string, Leaf>;
}

/** A footer that has been checked. */
export interface CheckedSchema {
  readonly tree: SchemaTree;
  /** Returns the leaf of a column chunk. */
  leafOf(chunk: ColumnMetaData): Leaf;
  /** The top-level columns with an encrypted leaf. */
  readonly encrypted: ReadonlySet<string>;
}

/**
 * Checks the columns of a footer before anything else uses them: they must be a tree.
 *
 * @throws Error that describes the first problem.
 */
export function checkedColumns(
  schema: readonly SchemaElement[],
  fileBytes: number,
  limits: ParquetLimits,
): CheckedColumns {
  checkTree(schema, limits);
  const tree = parquetSchema({ schema: [...schema] });
  const leaves = new Map<string, Leaf>();
  collectLeaves(tree, { definition: 0, repetition: 0, decoderPath: [] }, fileBytes, limits, leaves);
  return { tree, leaves };
}

/**
 * Checks the row groups of a footer before anything else uses them: each must have each column once, inside the file, and they may
 * not claim more than the budget of a file of its size.
 *
 * @throws Error that describes the first problem.
 */
export function checkedSchema(
  { tree, leaves }: CheckedColumns,
  metadata: Pick<FileMetaData, "num_rows" | "row_groups">,
  fileBytes: number,
  budget: FileBudget,
): CheckedSchema {
  const inOrder = [...leaves.values()];
  const encrypted = new Set<string>();
  const leafOf = ({ path_in_schema }: ColumnMetaData): Leaf => {
    const leaf = leaves.get(leafId(path_in_schema));
    if (leaf !== undefined) return leaf;
    throw new Error(`a row group names the column ${path_in_schema.join(".")}, which the schema lacks`);
  };
  let rows = 0n;
  for (const group of metadata.row_groups) {
    if (group.num_rows < 0n) throw new Error(`a row group claims ${group.num_rows} rows`);
    rows += group.num_rows;
    budget.chargeValues(Number(group.num_rows));
    const seen = new Set<Leaf>();
    for (const [i, { meta_data, crypto_metadata, encrypted_column_metadata }] of group.columns.entries()) {
      const isEncrypted = crypto_metadata !== undefined || encrypted_column_metadata !== undefined;
      // The path of an encrypted chunk may be encrypted, too. Chunks are in the order of the schema.
      const leaf = meta_data === undefined && isEncrypted ? inOrder[i] : meta_data && leafOf(meta_data);
      if (leaf === undefined) throw new Error("a column chunk has no metadata");
      seen.add(leaf);
      if (isEncrypted) encrypted.add(topColumn(tree, leaf));
      if (meta_data === undefined) continue;
      budget.chargeValues(Number(meta_data.num_values) * leaf.weight);
      checkChunk(meta_data, leaf, group.num_rows, fileBytes);
    }
    if (seen.size !== leaves.size || group.columns.length !== leaves.size)
      throw new Error(`a row group has ${group.columns.length} columns, the schema has ${leaves.size}`);
  }
  if (rows !== metadata.num_rows)
    throw new Error(`its row groups have ${rows} rows, the footer says ${metadata.num_rows}`);
  return { tree, leafOf, encrypted };
}

function topColumn({ children }: SchemaTree, { decoderPath: [top] }: Leaf): string {
  return children.find((_, i) => decoderName(i) === top)?.element.name ?? "";
}

/** Returns a path as a map key. Paths of flat columns begin with a dot, which JSON never does. */
const leafId = (path: readonly string[]): string =>
  path.length === 1 ? `.${path[0]}` : JSON.stringify(path);

/** The schema is a list of elements, each with the number of following elements that are its children. */
function checkTree(schema: readonly SchemaElement[], limits: ParquetLimits): void {
  checkLimit(limits, "maxColumns", MAX_ELEMENTS, schema.length, `it has ${schema.length} columns`);
  const open: number[] = [1];
  for (const { num_children = 0, name } of schema) {
    while (open.at(-1) === 0) open.pop();
    const left = open.pop();
    if (left === undefined || typeof name !== "string") throw new Error("its schema is not a tree");
    open.push(left - 1);
    if (num_children < 0 || num_children >= schema.length) throw new Error("its schema is not a tree");
    if (num_children > 0) open.push(num_children);
    if (open.length > MAX_DEPTH) throw new Error(`the schema is nested deeper than ${MAX_DEPTH} levels`);
  }
  if (open.some((left) => left > 0)) throw new Error("its schema is not a tree");
}

interface Levels {
  readonly definition: number;
  readonly repetition: number;
  readonly decoderPath: readonly string[];
}

function collectLeaves(
  node: SchemaTree,
  { definition, repetition, decoderPath }: Levels,
  fileBytes: number,
  limits: ParquetLimits,
  leaves: Map<string, Leaf>,
): void {
  const { element, children, path } = node;
  const { name, type, type_length = 0, repetition_type } = element;
  const isRoot = path.length === 0;
  if (isRoot && repetition_type === "REPEATED") throw new Error("the root of its schema is repeated");
  const maxDefinition = definition + (isRoot || repetition_type === "REQUIRED" ? 0 : 1);
  const maxRepetition = repetition + (repetition_type === "REPEATED" ? 1 : 0);
  const names = new Set(children.map((child) => child.element.name));
  if (names.size !== children.length)
    throw new Error(`two of the columns ${[...names].join(", ")} have one name`);
  for (const [i, child] of children.entries()) {
    const levels = {
      definition: maxDefinition,
      repetition: maxRepetition,
      decoderPath: [...decoderPath, decoderName(i)],
    };
    collectLeaves(child, levels, fileBytes, limits, leaves);
  }
  if (children.length > 0 || isRoot) return;
  if (type === undefined) throw new Error(`the column ${name} has no type`);
  if (type === "FIXED_LEN_BYTE_ARRAY" && (type_length < 1 || type_length > fileBytes))
    throw new Error(`the column ${name} claims values of ${type_length} bytes`);
  checkDigits(element, limits);
  const weight = (isObject(element) ? OBJECT_WEIGHT : 1) * path.length;
  const facts = { type, typeLength: type_length, maxDefinition, maxRepetition };
  leaves.set(leafId(path), { ...facts, weight, decoderPath });
}

function checkDigits({ name, precision = 0, scale = 0 }: SchemaElement, limits: ParquetLimits): void {
  for (const digits of [precision, scale]) {
    const problem = `the column ${name} claims decimals of ${digits} digits`;
    if (digits < 0) throw new Error(problem);
    checkLimit(limits, "maxDecimalDigits", MAX_DIGITS, digits, problem);
  }
}

/** Returns whether values become separate objects: bytes and times do, numbers, booleans and strings do not. */
function isObject({ type, converted_type, logical_type }: SchemaElement): boolean {
  if (type === "INT96" || logical_type?.type === "TIMESTAMP" || converted_type === "DATE") return true;
  if (type !== "BYTE_ARRAY" && type !== "FIXED_LEN_BYTE_ARRAY")
    return converted_type?.startsWith("TIMESTAMP") ?? false;
  return converted_type !== "UTF8" && logical_type?.type !== "STRING";
}

function checkChunk(chunk: ColumnMetaData, leaf: Leaf, rows: bigint, fileBytes: number): void {
  const where = chunk.path_in_schema.join(".");
  if (chunk.type !== leaf.type)
    throw new Error(`a column chunk of ${where} holds ${chunk.type}, the schema says ${leaf.type}`);
  const { start, end } = chunkRange(chunk);
  // Writers give a chunk without values no bytes, at any offset.
  if (chunk.num_values === 0n && chunk.total_compressed_size === 0n && rows === 0n) return;
  if (!(start >= MAGIC_BYTES && end >= start && end <= fileBytes - MIN_FILE_BYTES + MAGIC_BYTES))
    throw new Error(`a column chunk claims the bytes ${start} to ${end} of ${fileBytes}`);
  const wrong = leaf.maxRepetition > 0 ? chunk.num_values < 0n : chunk.num_values !== rows;
  if (wrong) throw new Error(`${where} claims ${chunk.num_values} values for ${rows} rows`);
}
