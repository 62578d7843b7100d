import type { Storage } from "@parquetry/core";
import { joinTypes } from "@parquetry/query/unstable";
import type { DriftColumn, DriftReport } from "../answers.ts";

/** The most parts of a strip. More partitions share parts. */
const MAX_PARTS = 1000;
const ABSENT = "absent";

interface Seen {
  partitions: number;
  first: string;
  last: string;
}

/** Reads the schema of every partition, and returns the columns whose types differ, with the place of each type. */
export async function reportDrift(
  storage: Storage,
  entity: string,
  options: { readonly signal: AbortSignal },
): Promise<DriftReport> {
  const paths: string[] = [];
  /** The schema of each partition, as an index: few are different. */
  const schemaOf: number[] = [];
  const schemas = new Map<string, { readonly index: number; readonly types: ReadonlyMap<string, string> }>();
  const { drift, unreadable, rows } = await storage.inspect(entity, {
    ...options,
    onPartition({ path, fields }) {
      if (fields.length === 0) return;
      const id = JSON.stringify(fields);
      const known = schemas.get(id) ?? {
        index: schemas.size,
        types: new Map(fields.map(({ name, type }) => [name, type])),
      };
      schemas.set(id, known);
      paths.push(path);
      schemaOf.push(known.index);
    },
  });
  const bySchema = [...schemas.values()].map(({ types }) => types);
  const columns = drift.map(({ column }): DriftColumn => {
    const typeBySchema = bySchema.map((types) => types.get(column) ?? ABSENT);
    const seen = new Map<string, Seen>();
    const types = schemaOf.map((index) => typeBySchema[index] ?? ABSENT);
    for (const [i, type] of types.entries()) {
      const path = paths[i] ?? "";
      const known = seen.get(type) ?? { partitions: 0, first: path, last: path };
      known.partitions++;
      known.last = path;
      seen.set(type, known);
    }
    const found = [...seen].sort(([, a], [, b]) => b.partitions - a.partitions);
    const rank = new Map(found.map(([type], i) => [type, i]));
    return {
      column,
      types: found.map(([type, facts]) => ({ type, ...facts })),
      parts: partsOf(types.map((type) => rank.get(type) ?? 0)),
      joined: joinedType(found.map(([type]) => type)),
    };
  });
  return { rows, partitions: paths.length, columns, unreadable: unreadable.map(({ message }) => message) };
}

/** At most this many parts of equal size. Each has the rarest type in it, so that one partition that differs stays visible. */
function partsOf(ranks: readonly number[]): readonly number[] {
  if (ranks.length <= MAX_PARTS) return ranks;
  return Array.from({ length: MAX_PARTS }, (_, part) => {
    const [from, to] = [part, part + 1].map((at) => Math.floor((at * ranks.length) / MAX_PARTS));
    return ranks.slice(from, to).reduce((most, rank) => Math.max(most, rank), 0);
  });
}

/** The type that SQL gives a column of these types, or undefined if it has to be declared. */
function joinedType(types: readonly string[]): string | undefined {
  let joined: string | undefined;
  for (const type of types) {
    // A column that is missing, or NULL throughout, has no type there.
    if (type === ABSENT || type === "null") continue;
    const own = sqlType(type);
    joined = joined === undefined ? own : joinTypes(joined, own);
    if (joined === undefined) return undefined;
  }
  return joined;
}

const SQL_TYPES: Readonly<Record<string, string>> = {
  int8: "TINYINT",
  int16: "SMALLINT",
  int32: "INTEGER",
  int64: "BIGINT",
  uint8: "UTINYINT",
  uint16: "USMALLINT",
  uint32: "UINTEGER",
  uint64: "UBIGINT",
  string: "VARCHAR",
  binary: "BLOB",
};

/** The SQL name of a type in a footer. */
function sqlType(type: string): string {
  const [, element] = /^list<(.*)>$/.exec(type) ?? [];
  if (element !== undefined) return `${sqlType(element)}[]`;
  const decimal = /^decimal\((\d+), (\d+)\)$/.exec(type);
  if (decimal !== null) return `DECIMAL(${decimal[1]},${decimal[2]})`;
  return SQL_TYPES[type] ?? type.toUpperCase();
}
