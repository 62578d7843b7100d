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
    (query) =>
      [
        ...pythonStart(query, "duckdb"),
        ...secretOf(query.root),
        ...query.tables.map(({ table }) => {
          const rows = `duckdb.read_parquet(files(${pythonText(table)}), hive_partitioning=True, union_by_name=True)`;
          return `${rows}.create_view(${pythonText(table)})`;
        }),
        "print(duckdb.sql(sql))",
      ].join("\n"),
  ],
  [
    "Python: Polars",
    (query) =>
      [
        ...pythonStart(query, "polars"),
        "context = polars.SQLContext({",
        ...query.tables.map(
          ({ table }) =>
            `    ${pythonText(table)}: polars.scan_parquet(files(${pythonText(table)}), hive_partitioning=True, missing_columns="insert"),`,
        ),
        "})",
        "print(context.execute(sql, eager=True))",
      ].join("\n"),
  ],
];

/** The files that the query needs, and no others, as `parquetry files` lists them. */
function pythonStart({ root, sql }: CopiedQuery, library: string): readonly string[] {
  const place = Object.entries(variablesOf(root)).map(
    ([name, value]) => `${pythonText(name)}: ${pythonText(value)}`,
  );
  return [
    `import os, subprocess, ${library}`,
    "",
    `sql = ${pythonText(sql)}`,
    `place = {**os.environ, ${place.join(", ")}}`,
    "",
    "def files(table):",
    '    command = ["parquetry", "files", "--table", table, sql]',
    "    return subprocess.run(command, env=place, check=True, capture_output=True, text=True).stdout.splitlines()",
    "",
  ];
}

function commandText(root: string, sql: string): string {
  const place = Object.entries(variablesOf(root)).map(([name, value]) => `${name}=${shellText(value)}`);
  return `${place.join(" ")} parquetry query ${shellText(sql)}`;
}

/** The command reads the configured place; these variables make it this one. */
function variablesOf(root: string): Readonly<Record<string, string>> {
  const [, store, bucket = "", prefix = ""] = /^(s3|r2):\/\/([^/]+)\/?(.*)$/.exec(root) ?? [];
  if (store === undefined) return { PARQUETRY_STORAGE_BACKEND: "local", PARQUETRY_DATA_ROOT: root };
  const name = `PARQUETRY_${store.toUpperCase()}`;
  return {
    PARQUETRY_STORAGE_BACKEND: store,
    [`${name}_BUCKET`]: bucket,
    ...(prefix === "" ? {} : { [`${name}_PREFIX`]: prefix }),
  };
}

/** DuckDB finds the credentials of a bucket where the AWS tools find them. R2 has `s3://` URLs, too, and its own endpoint. */
function secretOf(root: string): readonly string[] {
  return root.startsWith("s3://")
    ? ['duckdb.sql("CREATE SECRET (TYPE s3, PROVIDER credential_chain)")']
    : root.startsWith("r2://")
      ? [
          "# DuckDB needs a secret for R2: CREATE SECRET (TYPE s3, KEY_ID …, SECRET …, ENDPOINT …, REGION 'auto')",
        ]
      : [];
}

/** A Python string: its escapes are those of JSON. */
function pythonText(text: string): string {
  return JSON.stringify(text);
}
