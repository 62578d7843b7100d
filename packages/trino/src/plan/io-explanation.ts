import { isPlainObject } from "@parquetry/core/unstable";
import { trinoError } from "../client/trino-error.ts";
import type { TableName } from "../sql/shadow-tables.ts";

/** An end of a range. Without a value the range has no end there. */
interface Bound {
  readonly value: string | undefined;
  /** False where the value itself is not part of the range. */
  readonly isIncluded: boolean;
}

/** The values of a column that a query can need. */
export interface Domain {
  readonly column: string;
  readonly type: string;
  readonly nullsAllowed: boolean;
  readonly ranges: readonly { readonly low: Bound; readonly high: Bound }[];
}

/** A table that a query reads, and which of its rows. */
export interface InputTable extends TableName {
  /** True where the query needs no row of it. */
  readonly isEmpty: boolean;
  readonly domains: readonly Domain[];
}

/**
 * Reads the answer of `EXPLAIN (TYPE IO, FORMAT JSON)`: the tables of a query, each as often as it is read.
 *
 * @throws StorageError `unavailable` where it is in another format.
 */
export function parseIoExplanation(text: string): readonly InputTable[] {
  try {
    const json: unknown = JSON.parse(text);
    const infos = (isPlainObject(json) ? json["inputTableColumnInfos"] : undefined) ?? [];
    return (infos as readonly IoTable[]).map(({ table, constraint }) => ({
      catalog: table.catalog,
      schema: table.schemaTable.schema,
      table: table.schemaTable.table,
      isEmpty: constraint?.none === true,
      domains: (constraint?.columnConstraints ?? []).map(({ columnName, type, domain }) => ({
        column: columnName,
        type,
        nullsAllowed: domain.nullsAllowed,
        ranges: domain.ranges.map(({ low, high }) => ({ low: bound(low), high: bound(high) })),
      })),
    }));
  } catch (cause) {
    throw trinoError({
      code: "unavailable",
      retry: "never",
      message: "EXPLAIN (TYPE IO, FORMAT JSON) has an unknown format in this version of Trino",
      cause,
    });
  }
}

/** Whether a value is in a domain. A value that cannot be compared is. */
export function isInDomain(value: string | null, { type, nullsAllowed, ranges }: Domain): boolean {
  if (value === null) return nullsAllowed;
  const compare = comparison(type);
  if (compare === undefined) return true;
  return ranges.some(({ low, high }) => {
    const above = low.value === undefined ? 1 : compare(value, low.value);
    const below = high.value === undefined ? -1 : compare(value, high.value);
    return (low.isIncluded ? above >= 0 : above > 0) && (high.isIncluded ? below <= 0 : below < 0);
  });
}

function comparison(type: string): ((a: string, b: string) => number) | undefined {
  if (/^(?:bigint|integer|smallint|tinyint)$/.test(type)) {
    return (a, b) => (BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0);
  }
  if (/^varchar/.test(type)) return (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  // Years of four digits, and no time: their texts are in order.
  if (type === "date") return (a, b) => (a.length === b.length ? (a < b ? -1 : a > b ? 1 : 0) : 0);
  return undefined;
}

/** The parts that are read of Trino's answer. */
interface IoTable {
  readonly table: {
    readonly catalog: string;
    readonly schemaTable: { readonly schema: string; readonly table: string };
  };
  readonly constraint?: {
    readonly none?: boolean;
    readonly columnConstraints?: readonly {
      readonly columnName: string;
      readonly type: string;
      readonly domain: {
        readonly nullsAllowed: boolean;
        readonly ranges: readonly { readonly low: IoBound; readonly high: IoBound }[];
      };
    }[];
  };
}

interface IoBound {
  readonly value?: string;
  readonly bound: string;
}

const bound = ({ value, bound: kind }: IoBound): Bound => ({ value, isIncluded: kind === "EXACTLY" });
