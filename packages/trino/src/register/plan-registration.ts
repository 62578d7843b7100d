/** A column as SHOW COLUMNS names it. */
export interface ClusterColumn {
  readonly name: string;
  readonly type: string;
  readonly isKey: boolean;
}

/** A table as the cluster knows it. */
export interface ClusterTable {
  readonly columns: readonly ClusterColumn[];
  readonly location: string | undefined;
  /** The values of each partition, as text. */
  readonly partitions: readonly (readonly (string | null)[])[];
}

/** A folder that holds committed files. */
export interface StoredPartition {
  /** The values of the keys; null for NULL. */
  readonly values: readonly (string | null)[];
  /** Its folder below the table: `year=2024/week=5`. */
  readonly path: string;
}

/** The changes that bring a table of the cluster in step with the storage. */
export interface RegistrationPlan {
  readonly add: readonly StoredPartition[];
  readonly remove: readonly (readonly (string | null)[])[];
  readonly unchanged: number;
  /** Why the table cannot be kept in step, or reads less than it could. */
  readonly problems: readonly string[];
}

/**
 * Compares a table of the cluster with what is stored. A table at another location, or with other keys, is left as it is; other
 * columns are reported, and the partitions kept in step.
 */
export function planRegistration(
  expected: Pick<ClusterTable, "location" | "columns">,
  known: ClusterTable,
  stored: readonly StoredPartition[],
): RegistrationPlan {
  const nothing = { add: [], remove: [], unchanged: 0 };
  const place = (location = ""): string => location.replace(/\/+$/, "");
  if (place(known.location) !== place(expected.location)) {
    const other = known.location ?? "no external location";
    return { ...nothing, problems: [`the cluster's table is at ${other}, not at ${expected.location}`] };
  }
  const keys = (table: Pick<ClusterTable, "columns">): readonly ClusterColumn[] =>
    table.columns.filter(({ isKey }) => isKey);
  const show = (columns: readonly ClusterColumn[]): string =>
    columns.map(({ name, type }) => `${name} ${type}`).join(", ") || "none";
  const [own, theirs] = [keys(expected), keys(known)];
  if (own.map(typed).join() !== theirs.map(typed).join()) {
    const problem = `the cluster's table has the keys ${show(theirs)}, expected ${show(own)}. Drop it there and register again`;
    return { ...nothing, problems: [problem] };
  }
  const byText = new Map<string, StoredPartition>();
  const problems = [...columnDifferences(expected.columns, known.columns)];
  for (const partition of stored) {
    const text = identity(partition.values, own);
    const other = byText.get(text);
    if (other === undefined) byText.set(text, partition);
    else
      problems.push(`${other.path} and ${partition.path} have the same values; only the first is registered`);
  }
  const registered = new Map(known.partitions.map((values) => [identity(values, own), values]));
  const add = [...byText].filter(([text]) => !registered.has(text)).map(([, partition]) => partition);
  const remove = [...registered].filter(([text]) => !byText.has(text)).map(([, values]) => values);
  return { add, remove, unchanged: byText.size - add.length, problems };
}

function columnDifferences(
  expected: readonly ClusterColumn[],
  known: readonly ClusterColumn[],
): readonly string[] {
  const types = new Map(known.map(({ name, type }) => [name, type]));
  const own = new Set(expected.map(({ name }) => name));
  return [
    ...expected.flatMap((column) => {
      const type = types.get(column.name);
      if (type === undefined) return [`the cluster's table lacks the column ${column.name} ${column.type}`];
      return typed(column) === typed({ ...column, type })
        ? []
        : [`the cluster's table has ${column.name} as ${type}, the files as ${column.type}`];
    }),
    ...known.flatMap(({ name, type }) =>
      own.has(name) ? [] : [`the cluster's table has a column that the files lack: ${name} ${type}`],
    ),
  ];
}

/** The precision of timestamps is the session's. */
const typed = ({ name, type }: ClusterColumn): string =>
  `${name} ${type.replace(/\s|"/g, "").replace(/timestamp\(\d+\)/g, "timestamp")}`;

/** The values of a partition, however the cluster writes those of their types. */
function identity(values: readonly (string | null)[], keys: readonly ClusterColumn[]): string {
  return JSON.stringify(
    values.map((value, i) => {
      const type = keys[i]?.type ?? "";
      if (value === null) return null;
      if (/^(?:double|real)/.test(type)) return String(Number(value));
      if (/^(?:decimal|timestamp)/.test(type)) return value.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
      return type === "boolean" ? value.toLowerCase() : value;
    }),
  );
}
