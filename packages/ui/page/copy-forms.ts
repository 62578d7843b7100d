import type { Explanation } from "../src/answers.ts";
import { shellText } from "./shell-text.ts";

/** A query to copy. */
export interface CopiedQuery {
  /** The URL or folder of the place. */
  readonly root: string;
  readonly sql: string;
  /** The tables that it reads, as it calls them. */
  readonly tables: Explanation["tables"];
}

/** The forms in which a query can be copied: a label, and the text. */
export const COPY_FORMS: readonly (readonly [label: string, text: (query: CopiedQuery) => string])[] = [
  ["command line", ({ root, sql }) => commandText(root, sql)],
  [
    "TypeScript",
    ({ root, sql }) =>
      [
        'import { openQuery } from "@parquetry/query";',
        'import { openStorage } from "@parquetry/storage";',
        "",
        `await using storage = await openStorage(${JSON.stringify(root)});`,
        "await using db = await openQuery(storage);",
        `const { rows } = await db.sql(${JSON.stringify(sql)});`,
      ].join("\n"),
  ],
  [
    "Python: DuckDB",
    ({ root, sql, tables }) =>
      [
        "import duckdb",
        "",
        ...secretOf(root),
        ...tables.map(({ table, entity }) => {
          const files = `'${filesOf(root, entity).replaceAll("'", "''")}'`;
          const view = `CREATE VIEW "${table.replaceAll('"', '""')}" AS FROM read_parquet(${files}, hive_partitioning = true, union_by_name = true)`;
          return `duckdb.sql(${pythonText(view)})`;
        }),
        `print(duckdb.sql(${pythonText(sql)}))`,
      ].join("\n"),
  ],
  [
    "Python: Polars",
    ({ root, sql, tables }) =>
      [
        "import polars",
        "",
        "context = polars.SQLContext({",
        ...tables.map(
          ({ table, entity }) =>
            `    ${pythonText(table)}: polars.scan_parquet(${pythonText(filesOf(root, entity))}, hive_partitioning=True, missing_columns="insert"),`,
        ),
        "})",
        `print(context.execute(${pythonText(sql)}, eager=True))`,
      ].join("\n"),
  ],
];

/** The command reads the configured place, so variables name this one. */
function commandText(root: string, sql: string): string {
  const [, store, bucket = "", prefix = ""] = /^(s3|r2):\/\/([^/]+)\/?(.*)$/.exec(root) ?? [];
  const variables =
    store === undefined
      ? { STORAGE_BACKEND: "local", DATA_ROOT: root }
      : {
          STORAGE_BACKEND: store,
          [`${store.toUpperCase()}_BUCKET`]: bucket,
          ...(prefix === "" ? {} : { [`${store.toUpperCase()}_PREFIX`]: prefix }),
        };
  const place = Object.entries(variables).map(([name, value]) => `PARQUETRY_${name}=${shellText(value)}`);
  return `${place.join(" ")} parquetry query ${shellText(sql)}`;
}

/** The files of a table. Names that begin with `_` or `.` do not end in `.parquet`. */
function filesOf(root: string, entity: string): string {
  return `${root.replace(/\/$/, "")}/${entity}/**/*.parquet`;
}

/** DuckDB finds the credentials of a bucket where the AWS tools find them. */
function secretOf(root: string): readonly string[] {
  return root.startsWith("s3://")
    ? ['duckdb.sql("CREATE SECRET (TYPE s3, PROVIDER credential_chain)")']
    : root.startsWith("r2://")
      ? ["# DuckDB needs a secret for R2: CREATE SECRET (TYPE r2, KEY_ID …, SECRET …, ACCOUNT_ID …)"]
      : [];
}

/** A Python string: its escapes are those of JSON. */
function pythonText(text: string): string {
  return JSON.stringify(text);
}
