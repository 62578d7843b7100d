import type { Key, StorageBackend } from "@parquetry/core";
import { StorageError } from "@parquetry/core/backend";
import type { DataFile } from "@parquetry/core/unstable/tables";
import type { QueryParameters, TableStats } from "@parquetry/query/unstable";
import type { TrinoClient } from "../client/trino-client.ts";
import { literalsOf, quoteName, quoteText, withParameters } from "../client/trino-literal.ts";
import { checkQuery, type Shadow, shadowTables, withLiterals } from "../sql/shadow-tables.ts";
import { areUnchanged, CountedListing, committedPaths } from "./committed-paths.ts";
import { type InputTable, parseIoExplanation } from "./io-explanation.ts";
import { RegisteredPartitions } from "./registered-partitions.ts";
import { type PlacedTable, qualifiedName, type TablePlaces } from "./table-places.ts";

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

/** A table, and the files of it that the query may read. */
interface Read {
  readonly input: InputTable;
  readonly place: PlacedTable;
  readonly registered: RegisteredPartitions | undefined;
  readonly files: readonly DataFile[];
  readonly partitions: number;
  readonly levels: TableStats["levels"];
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
  const { client, backend, signal } = context;
  checkQuery(sql);
  const text = sql.replace(/;\s*$/, "");
  const explain = `EXPLAIN (TYPE IO, FORMAT JSON) ${withLiterals(text, literalsOf(parameters))}`;
  const explained = await client.rows(explain, { signal });
  const inputs = parseIoExplanation(String(explained[0]?.[0]));
  const listing = new CountedListing(backend, context.onListRequest);
  const byName = grouped(inputs);
  const others: string[] = [];
  const reads: Read[] = [];
  for (const same of byName.values()) {
    const [input] = same;
    if (input === undefined) continue;
    const place = await context.places.find(input, signal);
    if (place !== undefined) reads.push(await readOf(place, same, context, listing));
    else if (input.catalog === client.catalog && input.schema === client.schema)
      throw elsewhere(input, context.places.root);
    else others.push(`${input.catalog}.${input.schema}.${input.table}`);
  }
  const shadowed = shadowTables(text, client, reads.map(shadowOf));
  const { length } = withParameters(shadowed, parameters);
  const isTooLong = length > context.maxQueryLength;
  if (isTooLong && context.beyondQueryLength === "refuse")
    throw tooLong(length, reads, context.maxQueryLength);
  return {
    sql: isTooLong ? text : shadowed,
    tables: reads.map(({ input, place, files, partitions, levels }) => ({
      table: input.table,
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

async function readOf(
  place: PlacedTable,
  inputs: readonly InputTable[],
  context: PlanContext,
  listing: CountedListing,
): Promise<Read> {
  const [input] = inputs as readonly [InputTable];
  const { backend, signal } = context;
  // A partition may have been registered between both looks.
  for (let look = 1; ; look++) {
    const registered = await registeredOf(place, inputs, context);
    const { unregistered, ...committed } = await committedPaths(
      backend,
      listing,
      place.entity,
      registered,
      signal,
    );
    if (unregistered.length === 0) return { input, place, registered, ...committed };
    if (look === 2) throw notRegistered(place.entity, unregistered);
  }
}

async function registeredOf(
  place: PlacedTable,
  inputs: readonly InputTable[],
  { client, signal }: PlanContext,
): Promise<RegisteredPartitions | undefined> {
  const [input] = inputs;
  if (place.keys.length === 0 || input === undefined) return undefined;
  const columns = place.keys.map(({ name }) => quoteName(name)).join(", ");
  const table = qualifiedName({ ...input, table: `${input.table}$partitions` });
  const rows = await client.rows(`SELECT ${columns} FROM ${table}`, { signal });
  return new RegisteredPartitions(place.keys, rows, inputs);
}

function shadowOf({ input, place, files }: Read): Shadow {
  const paths = files.map(({ info }) => quoteText(`${place.location}${info.key.slice(place.entity.length)}`));
  const condition = paths.length === 0 ? "false" : `"$path" IN (${paths.join(", ")})`;
  const { catalog, schema, table } = input;
  return { catalog, schema, table, query: `SELECT * FROM ${place.name} WHERE ${condition}` };
}

function grouped(inputs: readonly InputTable[]): ReadonlyMap<string, readonly InputTable[]> {
  const groups = new Map<string, InputTable[]>();
  for (const input of inputs) {
    const name = qualifiedName(input);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [input]);
    else group.push(input);
  }
  return groups;
}

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

function elsewhere({ schema, table }: InputTable, root: string): StorageError {
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
    message: `sql: the names of its ${files(reads)} files make the query ${length} characters long, and Trino takes ${limit}. Filter by partition keys, run \`parquetry compact\` for ${entities}, raise query.max-length on the cluster and maxQueryLength here, or set beyondQueryLength: "plain" to read whatever files are there.`,
  });
}
