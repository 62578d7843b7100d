import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { Row } from "@parquetry/core";

/** Real data next to a checkout of the project; it is not part of the repository. */
const FOLDER: string = join(import.meta.dirname, "..", "..", "..", "..", "..", "shared", "data", "sources");

/** Whether the data exists. */
export const HAS_FOOTBALL: boolean = existsSync(FOLDER);

/** A table of the data: its files, and its partition keys. */
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
  // The same rows by a key that is NULL in some and "?" in other rows.
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

/** Opens DuckDB, whose view of the data is the expected one. */
export async function openDuckDB(): Promise<DuckDBConnection> {
  return (await DuckDBInstance.create(":memory:")).connect();
}

/** Returns the rows of a query as DuckDB converts them to JavaScript. */
export async function duckdbRows(connection: DuckDBConnection, sql: string): Promise<readonly Row[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJS();
}

/** Returns rows as sorted strings. Equal values have equal strings, such as 5 and 5n; partition keys are strings. */
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
