import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { Row } from "@parquetry/core";

/** Real data that lies beside a checkout of the whole project, and is no part of it. */
const FOLDER: string = join(import.meta.dirname, "..", "..", "..", "..", "..", "shared", "data", "sources");

/** Whether the data is here. */
export const HAS_FOOTBALL: boolean = existsSync(FOLDER);

/** A table of the data: which files, and by which keys it is partitioned. */
export interface FootballEntity {
  readonly name: string;
  readonly keys: readonly string[];
  /** Its files by year. */
  readonly files: ReadonlyMap<number, string>;
}

function byYear(folder: string, ...more: readonly string[]): ReadonlyMap<number, string> {
  if (!HAS_FOOTBALL) return new Map();
  const files = readdirSync(join(FOLDER, folder)).map((name) => join(FOLDER, folder, name));
  const dated = [...files, ...more.map((name) => join(FOLDER, name))].map(
    (file) => [Number(/(\d{4})\.\w+$/.exec(file)?.[1]), file] as const,
  );
  return new Map(dated.sort(([a], [b]) => a - b));
}

/** Every table of the data. */
export const FOOTBALL: readonly FootballEntity[] = [
  {
    name: "raw/games",
    keys: ["year", "week"],
    files: byYear("cfbscrapR-data/schedules/parquet", "cfbfastR-cfb-data/cfb_schedule_2025.parquet"),
  },
  {
    name: "raw/plays",
    keys: ["year", "week", "game_id"],
    files: byYear("cfbscrapR-data/player_stats/parquet"),
  },
  { name: "raw/rosters", keys: ["year", "team"], files: byYear("cfbscrapR-data/rosters/parquet") },
  // The same rows by a key that is NULL in some and "?" in others.
  {
    name: "raw/rosters_csv",
    keys: ["year", "position"],
    files: new Map([...byYear("cfbscrapR-data/rosters/parquet")].filter(([year]) => year >= 2019)),
  },
  {
    name: "raw/teams",
    keys: ["year", "conference", "division"],
    files: byYear("cfbscrapR-data/team_info/parquet"),
  },
];

/** The CSV files of the data, and the encoding of each. */
export const FOOTBALL_CSV: ReadonlyMap<string, "latin1" | "utf-8"> = new Map([
  ...[...byYear("cfbscrapR-data/schedules/csv").values()].map((file) => [file, "latin1"] as const),
  ...[...byYear("cfbscrapR-data/rosters/csv").values()].map((file) => [file, "utf-8"] as const),
]);

/** DuckDB, which says what the data is. */
export async function openDuckDB(): Promise<DuckDBConnection> {
  return (await DuckDBInstance.create(":memory:")).connect();
}

/** The rows of a query as DuckDB gives them to JavaScript. */
export async function duckdbRows(connection: DuckDBConnection, sql: string): Promise<readonly Row[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJS();
}

/** Rows as sorted texts, in which what is the same value is the same text: 5 and 5n; partition keys as text. */
export function canonical(
  rows: readonly Row[],
  keys: readonly string[],
  columns: readonly string[],
): string[] {
  return rows
    .map((row) =>
      JSON.stringify(
        columns.map((name) => {
          const value = row[name] ?? null;
          return keys.includes(name) && value !== null ? String(value) : value;
        }),
        (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value),
      ),
    )
    .sort();
}
