import { isStorageError } from "@parquetry/core";
import { quoteName } from "@parquetry/query/unstable";
import type { TrinoClient } from "../client/trino-client.ts";
import { quoteText } from "../client/trino-literal.ts";
import { externalLocation, qualifiedName } from "../plan/table-places.ts";
import type { ClusterTable } from "./plan-registration.ts";

/** A table with its catalog and schema, as SQL. */
export const qualified = ({ catalog, schema }: TrinoClient, table: string): string =>
  qualifiedName({ catalog, schema, table });

/** Reads a table's columns, location and partitions. Returns what is missing if there is none. */
export async function readClusterTable(
  client: TrinoClient,
  table: string,
  signal: AbortSignal | undefined,
): Promise<ClusterTable | "no table" | "no schema"> {
  try {
    const shown = await client.rows(`SHOW COLUMNS FROM ${qualified(client, table)}`, { signal });
    const columns = shown.map(([name, type, extra]) => ({
      name: String(name),
      type: String(type),
      isKey: extra === "partition key",
    }));
    const [created] = await client.rows(`SHOW CREATE TABLE ${qualified(client, table)}`, { signal });
    const keys = columns
      .filter(({ isKey }) => isKey)
      .map(({ name }) => `CAST(${quoteName(name)} AS varchar)`);
    const from = qualified(client, `${table}$partitions`);
    const partitions =
      keys.length === 0 ? [] : await client.rows(`SELECT ${keys.join(", ")} FROM ${from}`, { signal });
    return {
      columns,
      location: externalLocation(String(created?.[0])),
      partitions: partitions.map((values) => values.map((value) => (value === null ? null : String(value)))),
    };
  } catch (error) {
    if (isStorageError(error) && error.storeCode === "TABLE_NOT_FOUND") return "no table";
    if (isStorageError(error) && error.storeCode === "SCHEMA_NOT_FOUND") return "no schema";
    throw error;
  }
}

/** Calls a procedure that adds or removes partitions, with its arguments by name. */
export async function callProcedure(
  client: TrinoClient,
  procedure: string,
  table: string,
  more: Readonly<Record<string, string | boolean | readonly string[]>>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const literal = (value: string | boolean | readonly string[]): string =>
    typeof value === "boolean"
      ? String(value)
      : typeof value === "string"
        ? quoteText(value)
        : `ARRAY[${value.map(quoteText).join(", ")}]`;
  const given = { schema_name: client.schema, table_name: table, ...more };
  const list = Object.entries(given).map(([name, value]) => `${name} => ${literal(value)}`);
  await client.rows(`CALL ${quoteName(client.catalog)}.system.${procedure}(${list.join(", ")})`, { signal });
}
