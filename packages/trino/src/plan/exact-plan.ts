import type { Key, StorageBackend } from "@parquetry/core";
import { isStorageError, StorageError } from "@parquetry/core/backend";
import { mapConcurrent } from "@parquetry/core/unstable";
import { type QueryParameters, quoteName, type TableStats } from "@parquetry/query/unstable";
import type { TrinoClient } from "../client/trino-client.ts";
import { literalsOf, quoteText, withParameters } from "../client/trino-literal.ts";
import { checkQuery, namedTables, type Shadow, shadowTables, type TableName } from "../sql/shadow-tables.ts";
import { areUnchanged, type CommittedFiles, CountedListing, committedPaths } from "./committed-paths.ts";
import { inputTables, inView, type KeyedTable, keyRanges } from "./key-ranges.ts";
import { RegisteredPartitions } from "./registered-partitions.ts";
import { type PlacedTable, qualifiedName, type TablePlaces } from "./table-places.ts";

/** Tables that are looked up concurrently. */
const CONCURRENCY = 8;

/** The cluster, and the places of its tables, that a plan is made from. */
export interface PlanContext {
  readonly client: TrinoClient;
  readonly backend: StorageBackend;
  readonly places: TablePlaces;
  readonly maxQueryLength: number;
  readonly beyondQueryLength: "refuse" | "plain";
  readonly signal: AbortSignal | undefined;
  readonly onListRequest: (requests: number) => void;
}

/** A query that reads committed files only. */
export interface ExactPlan {
  /** The query to run. */
  readonly sql: string;
  readonly tables: readonly TableStats[];
  readonly listRequests: number;
  /** Why the query does not read exactly the committed files. */
  readonly inexact: string | undefined;
  /** Whether all of the files that were planned are still there. */
  readonly isUndisturbed: () => Promise<boolean>;
}

/** A table that a query names. */
interface PlacedRows extends KeyedTable {
  /** The keys of the partitions that Trino knows. */
  readonly rows: readonly (readonly unknown[])[];
}

/** A table, and the files of it that the query may read. */
interface Read extends CommittedFiles {
  readonly table: TableName;
  readonly place: PlacedTable;
  readonly registered: RegisteredPartitions | undefined;
}

/**
 * Plans a query: Trino says which tables and partitions it can need, the storage which files of these are committed.
 *
 * @throws StorageError `permission_denied` for anything but a query; `not_found` for partitions that Trino does not know;
 * `invalid_argument` for a query that becomes too long.
 */
export async function exactPlan(
  sql: string,
  parameters: QueryParameters | undefined,
  context: PlanContext,
): Promise<ExactPlan> {
  checkQuery(sql);
  const text = sql.replace(/;\s*$/, "");
  const listing = new CountedListing(context.backend, context.onListRequest);
  const first = await readsOf(text, parameters, context, listing).catch((error) => {
    // The table may have got other columns.
    if (!isStorageError(error) || error.storeCode !== "COLUMN_NOT_FOUND") throw error;
    context.places.forget();
    return readsOf(text, parameters, context, listing);
  });
  if (first.unregistered.length === 0) return planOf(text, parameters, first, context, listing);
  // A partition may have been registered after the first look.
  const second = await readsOf(text, parameters, context, listing);
  const [left] = second.unregistered;
  if (left !== undefined) throw notRegistered(left.place.entity, left.unregistered);
  return planOf(text, parameters, second, context, listing);
}

/** The tables of a query. */
interface Reads {
  readonly reads: readonly Read[];
  /** Tables of other catalogs and storages. */
  readonly others: readonly string[];
  /** The tables of which Trino does not know partitions that the query can need. */
  readonly unregistered: readonly Read[];
}

async function readsOf(
  text: string,
  parameters: QueryParameters | undefined,
  context: PlanContext,
  listing: CountedListing,
): Promise<Reads> {
  const { client, backend, signal } = context;
  const literals = literalsOf(parameters);
  const named = await mapConcurrent(namedTables(text, client), CONCURRENCY, (name) => placed(name, context));
  const tables = named.flatMap((one) => one ?? []);
  const keyed = tables.filter(({ place }) => place.keys.length > 0);
  // Its error is that of a query that Trino does not run, and comes first.
  const ranging = keyRanges(client, text, literals, keyed, signal);
  ranging.catch(() => {});
  const inputs = await inputTables(client, text, literals, signal);
  const ranges = await ranging;
  const others = new Set<string>();
  for (const input of inputs) {
    const { catalog, schema, table } = input;
    if (tables.some((one) => isSame(one, input))) continue;
    const place = await context.places.find({ catalog, schema, table }, signal);
    if (place !== undefined) throw inView(input);
    if (catalog === client.catalog && schema === client.schema) throw elsewhere(input, context.places.root);
    others.add(`${catalog}.${schema}.${table}`);
  }
  const reads: Read[] = [];
  for (const table of tables) {
    const { place, rows } = table;
    const own = inputs.filter((input) => isSame(table, input));
    if (place.keys.length === 0 && own.length === 0) continue;
    const range = ranges.get(table) ?? [];
    const registered =
      place.keys.length === 0
        ? undefined
        : // Where the keys alone do not tell that a table is read, all of it may be.
          new RegisteredPartitions(place.keys, rows, own, range.length === 0 ? own : range);
    const committed = await committedPaths(backend, listing, place.entity, registered, signal);
    reads.push({ table, place, registered, ...committed });
  }
  return { reads, others: [...others], unregistered: reads.filter((read) => read.unregistered.length > 0) };
}

/** A table that the query names, where it is, and the partitions that Trino knew before it planned the query. */
async function placed(
  name: TableName,
  { client, places, signal }: PlanContext,
): Promise<PlacedRows | undefined> {
  try {
    const place = await places.find(name, signal);
    if (place === undefined) return undefined;
    if (place.keys.length === 0) return { ...name, place, rows: [] };
    const columns = place.keys.map((key) => quoteName(key.name)).join(", ");
    const partitions = qualifiedName({ ...name, table: `${name.table}$partitions` });
    return { ...name, place, rows: await client.rows(`SELECT ${columns} FROM ${partitions}`, { signal }) };
  } catch (error) {
    // A query of a WITH below, or nothing: then Trino says so.
    if (isStorageError(error, "not_found")) return undefined;
    throw error;
  }
}

function planOf(
  text: string,
  parameters: QueryParameters | undefined,
  { reads, others }: Reads,
  context: PlanContext,
  listing: CountedListing,
): ExactPlan {
  const { client, signal } = context;
  const shadowed = shadowTables(text, client, reads.map(shadowOf));
  const { length } = withParameters(shadowed, parameters);
  const isTooLong = length > context.maxQueryLength;
  if (isTooLong && context.beyondQueryLength === "refuse")
    throw tooLong(length, reads, context.maxQueryLength);
  return {
    sql: isTooLong ? text : shadowed,
    tables: reads.map(({ table, place, files, partitions, levels }) => ({
      table: table.table,
      entity: place.entity,
      levels,
      partitions,
      files: files.length,
      bytes: files.reduce((sum, { info }) => sum + info.sizeBytes, 0),
    })),
    get listRequests() {
      return listing.requests;
    },
    inexact: isTooLong
      ? `the query with its ${files(reads)} files is ${length} characters long, and maxQueryLength is ${context.maxQueryLength}: Trino reads whatever files are in the partitions`
      : others.length > 0
        ? `${others.join(", ")} are not tables of this storage`
        : undefined,
    isUndisturbed: async () => {
      if (isTooLong) return true;
      for (const { place, registered, files } of reads) {
        if (!(await areUnchanged(listing, place.entity, registered, files, signal))) return false;
      }
      return true;
    },
  };
}

function shadowOf({ table: name, place, files }: Read): Shadow {
  const paths = files.map(({ info }) => quoteText(`${place.location}${info.key.slice(place.entity.length)}`));
  const condition = paths.length === 0 ? "false" : `"$path" IN (${paths.join(", ")})`;
  const { catalog, schema, table } = name;
  return { catalog, schema, table, query: `SELECT * FROM ${place.name} WHERE ${condition}` };
}

const isSame = (a: TableName, b: TableName): boolean => qualifiedName(a) === qualifiedName(b);

const files = (reads: readonly Read[]): number => reads.reduce((sum, read) => sum + read.files.length, 0);

function notRegistered(entity: Key, partitions: readonly string[]): StorageError {
  const more = partitions.length > 3 ? `, … (${partitions.length} in all)` : "";
  return new StorageError({
    code: "not_found",
    op: "sql",
    backend: "trino",
    path: entity,
    message: `sql: Trino does not know these partitions, so the result would lack their rows: ${partitions.slice(0, 3).join(", ")}${more}. Run \`parquetry register ${entity} --engine trino\`.`,
  });
}

function elsewhere({ schema, table }: TableName, root: string): StorageError {
  return new StorageError({
    code: "not_supported",
    op: "sql",
    backend: "trino",
    path: table,
    message: `sql: ${schema}.${table} is not a table over files in ${root}, so its committed files are unknown. Open the storage that holds it, or keep it in another schema.`,
  });
}

function tooLong(length: number, reads: readonly Read[], limit: number): StorageError {
  const entities = reads.map(({ place }) => place.entity).join(", ");
  return new StorageError({
    code: "invalid_argument",
    op: "sql",
    backend: "trino",
    storeCode: "QUERY_TEXT_TOO_LARGE",
    message: `sql: the names of its ${files(reads)} files make the query ${length} characters long, and Trino takes ${limit}. Filter by partition keys, run \`parquetry compact\` for ${entities}, raise query.max-length on the cluster and maxQueryLength in code, or read whatever files are there: --beyond-query-length plain on the command line, beyondQueryLength: "plain" in code.`,
  });
}
