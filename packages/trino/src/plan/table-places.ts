import type { Key, StorageBackend } from "@parquetry/core";
import { parseKey } from "@parquetry/core";
import { isStorageError } from "@parquetry/core/backend";
import { quoteName } from "@parquetry/query/unstable";
import type { TrinoClient } from "../client/trino-client.ts";
import type { TableName } from "../sql/shadow-tables.ts";
import type { PartitionKey } from "./registered-partitions.ts";

/** A table of Trino whose files are in the storage. */
export interface PlacedTable {
  /** `hive.lake.plays`, quoted. */
  readonly name: string;
  readonly entity: Key;
  /** Its location as Trino has it, without a slash at the end. */
  readonly location: string;
  readonly keys: readonly PartitionKey[];
  /** The columns that are not keys; none where the table has no keys. */
  readonly columns: readonly PartitionKey[];
}

/** Finds where the tables of a cluster are, and remembers it. */
export class TablePlaces {
  readonly #client: TrinoClient;
  readonly #root: string;
  readonly #known = new Map<string, Promise<PlacedTable | undefined>>();

  constructor(client: TrinoClient, backend: StorageBackend) {
    this.#client = client;
    this.#root = normalized(backend.url());
  }

  /** Undefined for a table of other files, such as one of another connector. */
  find(table: TableName, signal: AbortSignal | undefined): Promise<PlacedTable | undefined> {
    const name = qualifiedName(table);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const finding = this.#find(name, signal);
    this.#known.set(name, finding);
    finding.catch(() => this.#known.delete(name));
    return finding;
  }

  forget(): void {
    this.#known.clear();
  }

  /** The root of the storage as Trino writes locations. */
  get root(): string {
    return this.#root;
  }

  async #find(name: string, signal: AbortSignal | undefined): Promise<PlacedTable | undefined> {
    let statement: string;
    try {
      statement = String((await this.#client.rows(`SHOW CREATE TABLE ${name}`, { signal }))[0]?.[0]);
    } catch (error) {
      if (isStorageError(error, "not_supported") || isStorageError(error, "invalid_argument"))
        return undefined;
      throw error;
    }
    const location = externalLocation(statement);
    if (location === undefined || !normalized(location).startsWith(`${this.#root}/`)) return undefined;
    const entity = parseKey(normalized(location).slice(this.#root.length + 1), "sql");
    const list = /partitioned_by = ARRAY\[((?:'(?:[^']|'')*',?)*)\]/.exec(statement)?.[1] ?? "";
    const names = [...list.matchAll(/'(?:[^']|'')*'/g)].map(([quoted]) => textOf(quoted) ?? "");
    if (names.length === 0) return { name, entity, location, keys: [], columns: [] };
    const described = await this.#client.rows(`DESCRIBE ${name}`, { signal });
    const columns = described.map(([column, type]) => ({ name: String(column), type: String(type) }));
    return {
      ...{ name, entity, location },
      keys: columns.filter((column) => names.includes(column.name)),
      columns: columns.filter((column) => !names.includes(column.name)),
    };
  }
}

/** The location of a table's files in what SHOW CREATE TABLE returns, without a slash at the end. */
export function externalLocation(statement: string): string | undefined {
  return textOf(/external_location = ('(?:[^']|'')*')/.exec(statement)?.[1])?.replace(/\/+$/, "");
}

/** `"hive"."lake"."plays"` */
export function qualifiedName({ catalog, schema, table }: TableName): string {
  return [catalog, schema, table].map(quoteName).join(".");
}

const textOf = (quoted: string | undefined): string | undefined => quoted?.slice(1, -1).replaceAll("''", "'");

/** A location without the differences that mean nothing: `s3a://` and `r2://` are `s3://`, `/data` is `local:///data`. */
function normalized(url: string): string {
  return url
    .replace(/\/+$/, "")
    .replace(/^(?:s3a|s3n|r2):\/\//, "s3://")
    .replace(/^file:(?:\/\/)?\//, "local:///")
    .replace(/^\//, "local:///");
}
