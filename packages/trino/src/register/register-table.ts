import { isStorageError, parseKey, type StorageBackend } from "@parquetry/core";
import {
  type CustomKind,
  checkArgument,
  checkBackend,
  checkOptions,
  mapConcurrent,
  type OptionKinds,
} from "@parquetry/core/unstable";
import {
  declarationNotes,
  isMisreadByHive,
  quoteName,
  TABLE_DESCRIPTION,
  type TableDescription,
  trinoLocation,
  trinoTable,
} from "@parquetry/query/unstable";
import { TrinoClient } from "../client/trino-client.ts";
import { callProcedure, qualified, readClusterTable } from "./cluster-table.ts";
import { type CountDifference, countDifferences } from "./count-differences.ts";
import { type ClusterTable, planRegistration, type RegistrationPlan } from "./plan-registration.ts";
import { type CommittedPartition, storedPartitions } from "./stored-partitions.ts";

/** Partitions that are added or removed concurrently. */
const CONCURRENCY = 4;

/** Options of {@link registerTable}. */
export interface RegisterOptions {
  /** Only says what would be done. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Counts the rows of each partition on the cluster, and compares them with the committed ones. Default false. */
  readonly check?: boolean | undefined;
  /** Stops; what was registered stays. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link registerTable} did, or would do. */
export interface Registration {
  readonly entity: string;
  /** The table's name on the cluster. */
  readonly table: string;
  /** Whether the table was created. */
  readonly created: boolean;
  /** The folders of the partitions that were added. */
  readonly added: readonly string[];
  /** The values of the partitions that were removed from the cluster's catalog. */
  readonly removed: readonly (readonly (string | null)[])[];
  /** Partitions that were registered before. */
  readonly unchanged: number;
  /** Why the cluster does not read everything. Empty where it does. */
  readonly problems: readonly string[];
  /** Worth knowing: that the schema is new, which columns the table lacks, and which have other types in some files. */
  readonly notes: readonly string[];
  /** The partitions of which the cluster counts other rows, with `check`. */
  readonly differences: readonly CountDifference[];
}

const CLIENT: CustomKind = { expected: "a TrinoClient", is: (value) => value instanceof TrinoClient };
const OPTIONS: OptionKinds<RegisterOptions> = { dryRun: "boolean", check: "boolean", signal: "signal" };

/**
 * Makes an entity a table of a Trino cluster, in a new schema if there is none, or brings that table's partitions in step: registers
 * each folder that holds committed files, and unregisters partitions that have none. Changes no data, and no column of an existing
 * table. Doing it again changes nothing.
 *
 * @param table what `describe` of a database without `engine` returns.
 * @throws StorageError `not_supported` naming what Trino cannot declare; of the cluster; of the storage.
 * @example
 * ```ts
 * await using db = await openQuery(storage);
 * const { added, problems } = await registerTable(client, storage.backend, await db.describe("plays"));
 * ```
 */
export async function registerTable(
  client: TrinoClient,
  backend: StorageBackend,
  table: TableDescription,
  options: RegisterOptions = {},
): Promise<Registration> {
  checkArgument(client, CLIENT, "client", "registerTable");
  checkBackend(backend, "backend", "registerTable");
  checkArgument(table, TABLE_DESCRIPTION, "table", "registerTable");
  checkOptions(options, OPTIONS, "registerTable");
  const { dryRun = false, check = false, signal } = options;
  const { entity } = table;
  const name = entity.slice(entity.lastIndexOf("/") + 1).toLowerCase();
  const location = trinoLocation(backend.url(parseKey(entity)));
  const create = trinoTable(table, location, qualified(client, name));
  const keys = table.keys.map((key) => key.name);
  const stored = await storedPartitions(backend, entity, keys, signal);
  const notes = [...declarationNotes("trino", table)];
  const found = await readClusterTable(client, name, signal);
  const known = typeof found === "string" ? undefined : found;
  if (found === "no schema") {
    const schema = `${quoteName(client.catalog)}.${quoteName(client.schema)}`;
    if (!dryRun) await client.rows(`CREATE SCHEMA IF NOT EXISTS ${schema}`, { signal });
    notes.unshift(`the schema ${client.catalog}.${client.schema} ${dryRun ? "would be" : "was"} created`);
  }
  if (known === undefined && !dryRun) await client.rows(create, { signal });
  const created = known ?? (dryRun ? undefined : await readClusterTable(client, name, signal));
  const current = typeof created === "string" ? undefined : created;
  const expected = expectedTable(create, location, keys);
  const plan = planRegistration(
    expected,
    current ?? { ...expected, partitions: [] },
    keys.length === 0 ? [] : stored,
  );
  const base = { entity, table: name, created: known === undefined, unchanged: plan.unchanged };
  const left = dryRun ? [] : await bringInStep(client, name, location, keys, plan, stored, signal);
  const problems = [...plan.problems, ...left];
  const isThere = current?.location === location;
  // Trino fails on a partition whose folder is gone.
  const isStale = dryRun && plan.remove.length > 0;
  if (check && (!isThere || isStale))
    problems.push(
      `the rows were not counted, because ${isThere ? "folders of registered partitions are gone" : "the table is not there"}. Run it without a dry run`,
    );
  const differences =
    check && isThere && !isStale
      ? await countDifferences({ client, backend, table: name, location, signal }, stored, () =>
          storedPartitions(backend, entity, keys, signal),
        )
      : [];
  return {
    ...base,
    added: left.length === 0 ? plan.add.map(({ path }) => path) : [],
    removed: left.length === 0 ? plan.remove : [],
    problems,
    notes,
    differences,
  };
}

/** The table as its declaration has it. Names are in lower case on the cluster. */
function expectedTable(
  create: string,
  location: string,
  keys: readonly string[],
): Pick<ClusterTable, "location" | "columns"> {
  const isKey = new Set(keys.map((key) => key.toLowerCase()));
  const lines = create.slice(create.indexOf("(\n") + 2, create.lastIndexOf("\n) WITH (")).split(",\n");
  const columns = lines.map((line) => {
    const [, quoted = "", type = ""] = /^ {2}"((?:[^"]|"")*)" (.+)$/s.exec(line) ?? [];
    const column = quoted.replaceAll('""', '"').toLowerCase();
    return { name: column, type, isKey: isKey.has(column) };
  });
  return { location, columns };
}

/** Adds and removes partitions, and returns what it could not do. */
async function bringInStep(
  client: TrinoClient,
  name: string,
  location: string,
  keys: readonly string[],
  plan: RegistrationPlan,
  stored: readonly CommittedPartition[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const columns = keys.map((key) => key.toLowerCase());
  const texts = (values: readonly (string | null)[]): readonly string[] =>
    values.map((value) => value ?? "__HIVE_DEFAULT_PARTITION__");
  const add = async ({ values, path }: Pick<CommittedPartition, "values" | "path">): Promise<void> => {
    const more = {
      partition_columns: columns,
      partition_values: texts(values),
      location: `${location}/${path}/`,
    };
    await unless("ALREADY_EXISTS", callProcedure(client, "register_partition", name, more, signal));
  };
  await mapConcurrent(plan.remove, CONCURRENCY, (values) =>
    unless(
      "NOT_FOUND",
      callProcedure(
        client,
        "unregister_partition",
        name,
        { partition_columns: columns, partition_values: texts(values) },
        signal,
      ),
    ),
  );
  const [first, ...others] = plan.add;
  if (first === undefined) return [];
  try {
    await add(first);
  } catch (error) {
    if (!isStorageError(error) || error.storeCode !== "PERMISSION_DENIED") throw error;
    const misread = stored.filter(isMisreadByHive);
    if (misread.length > 0) {
      const names = misread.slice(0, 10).map(({ path }) => path);
      return [
        `the cluster forbids register_partition, and without it reads other values from these folders: ${names.join(", ")}. Set hive.allow-register-partition-procedure=true there, or write these partitions again`,
      ];
    }
    // FULL would drop and add a partition in one transaction, which Trino turns into a renaming of its folder.
    for (const mode of ["DROP", "ADD"])
      await callProcedure(client, "sync_partition_metadata", name, { mode, case_sensitive: false }, signal);
    return [];
  }
  await mapConcurrent(others, CONCURRENCY, add);
  return [];
}

/** Waits for a call whose failure of one name means that its work was done before. */
async function unless(storeCode: string, call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isStorageError(error) || error.storeCode !== storeCode) throw error;
  }
}
