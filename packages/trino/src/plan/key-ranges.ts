import { StorageError } from "@parquetry/core/backend";
import { quoteName } from "@parquetry/query/unstable";
import type { TrinoClient } from "../client/trino-client.ts";
import { shadowTables, type TableName, withLiterals } from "../sql/shadow-tables.ts";
import { type InputTable, parseIoExplanation } from "./io-explanation.ts";
import { type PlacedTable, qualifiedName } from "./table-places.ts";

/** A table with keys, and where it is. */
export interface KeyedTable extends TableName {
  readonly place: PlacedTable;
}

/** Asks Trino which tables a query reads, and which ranges of their columns. */
export async function inputTables(
  client: TrinoClient,
  sql: string,
  literals: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly InputTable[]> {
  const statement = `EXPLAIN (TYPE IO, FORMAT JSON) ${withLiterals(sql, literals)}`;
  const rows = await client.rows(statement, { signal });
  return parseIoExplanation(String(rows[0]?.[0]));
}

/**
 * Asks Trino which ranges of the keys a query can need, whether it knows partitions there or not. The ranges of
 * {@link inputTables} are those of the partitions that it knows, and a table without such a partition is not in it. So `"t$partitions"`,
 * where the keys are plain columns, takes the place of each table.
 *
 * @returns for each table, how the query reads it: as often as it does.
 * @throws StorageError `not_supported` naming a table that the query reads through a view, where nothing takes its place.
 */
export async function keyRanges(
  client: TrinoClient,
  sql: string,
  literals: readonly string[],
  tables: readonly KeyedTable[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<KeyedTable, readonly InputTable[]>> {
  if (tables.length === 0) return new Map();
  const shadows = tables.map(({ catalog, schema, table, place }) => ({
    ...{ catalog, schema, table },
    query: keysOnly({ catalog, schema, table: `${table}$partitions` }, place),
  }));
  const inputs = await inputTables(client, shadowTables(sql, client, shadows), literals, signal);
  const readsOf = (name: TableName): readonly InputTable[] =>
    inputs.filter((input) => qualifiedName(input) === qualifiedName(name));
  return new Map(
    tables.map((one) => {
      if (readsOf(one).length > 0) throw inView(one);
      return [one, readsOf({ ...one, table: `${one.table}$partitions` })];
    }),
  );
}

/** The error of a table whose committed files cannot take its place. */
export function inView({ schema, table }: TableName): StorageError {
  return new StorageError({
    code: "not_supported",
    op: "sql",
    backend: "trino",
    path: table,
    message: `sql: the query reads ${schema}.${table} through a view, where it cannot be kept to committed files. Name the table in the query.`,
  });
}

/** The columns of a table as far as a plan needs them: the keys, and values of the other columns' types, of which nothing is known. */
function keysOnly(partitions: TableName, { keys, columns }: PlacedTable): string {
  const unknown = columns.map(
    ({ name, type }) =>
      `element_at(CAST(ARRAY[] AS ARRAY(${type})), CAST(random() AS bigint)) AS ${quoteName(name)}`,
  );
  const list = [...unknown, ...keys.map(({ name }) => quoteName(name))].join(", ");
  return `SELECT ${list} FROM ${qualifiedName(partitions)}`;
}
