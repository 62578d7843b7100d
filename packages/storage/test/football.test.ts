import { readFile } from "node:fs/promises";
import type { DuckDBConnection } from "@duckdb/node-api";
import {
  type ColumnSchema,
  createMemoryBackend,
  isStorageError,
  Partition,
  parseKey,
  type Row,
  Storage,
} from "@parquetry/core";
import { inferColumns } from "@parquetry/core/unstable/tables";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ALL_BACKENDS } from "./support/backends.ts";
import {
  canonical,
  duckdbRows,
  FOOTBALL,
  FOOTBALL_CSV,
  type FootballEntity,
  HAS_FOOTBALL,
  openDuckDB,
} from "./support/football.ts";

/** `PARQUETRY_FOOTBALL=all` writes every year to every store; otherwise a few years, in which the types drift. */
const ALL = process.env["PARQUETRY_FOOTBALL"] === "all";
const YEARS: Readonly<Record<string, readonly number[]>> = {
  "raw/games": [2001, 2010, 2020, 2025],
  "raw/plays": [2019],
  "raw/rosters": [2020],
  "raw/rosters_csv": [2020],
  "raw/teams": [2001, 2020],
};
/** A part of the plays, since there are many. */
const PLAYS = ALL ? "" : "WHERE week <= 2 AND game_id % 3 = 0";

if (!HAS_FOOTBALL) console.warn("SKIPPED: the real football data is not next to this checkout");

/** One year of a table: its rows as DuckDB reads them, and the columns that pin what inference refuses. */
interface Year {
  readonly rows: readonly Row[];
  readonly columns: readonly string[];
}

describe.skipIf(!HAS_FOOTBALL)("real football data", () => {
  let duckdb: DuckDBConnection;
  beforeAll(async () => {
    duckdb = await openDuckDB();
  });
  afterAll(() => duckdb?.closeSync());

  async function readYear({ name }: FootballEntity, year: number, file: string): Promise<Year> {
    const where = name === "raw/plays" ? PLAYS : "";
    const rows = await duckdbRows(duckdb, `SELECT *, ${year} AS year FROM '${file}' ${where}`);
    return { rows, columns: Object.keys(rows[0] ?? {}) };
  }

  function* partitions(
    rows: readonly Row[],
    keys: readonly string[],
  ): Generator<{ partition: Partition; rows: Row[] }> {
    const byPath = new Map<string, { partition: Partition; rows: Row[] }>();
    for (const row of rows) {
      const partition = Partition.of(
        keys.map((key) => [key, (row[key] ?? null) as string | number | null] as const),
      );
      const path = partition.path();
      const known = byPath.get(path);
      if (known === undefined) byPath.set(path, { partition, rows: [row] });
      else known.rows.push(row);
    }
    yield* byPath.values();
  }

  /** Where inference refuses a column, the schema says what all of them are. */
  async function schemaOf(
    { rows }: Year,
    { keys }: FootballEntity,
  ): Promise<readonly ColumnSchema[] | undefined> {
    const ids = unsafeColumns(rows);
    if (ids.size === 0) return undefined;
    const rest = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).filter(([column]) => !ids.has(column) && !keys.includes(column)),
      ),
    );
    return [
      ...(await inferColumns(rest)),
      ...[...ids].map((name): ColumnSchema => ({ name, type: "double" })),
    ];
  }

  async function writeYear(storage: Storage, entity: FootballEntity, year: Year): Promise<void> {
    await storage.replacePartitions(entity.name, partitions(year.rows, entity.keys), {
      allowOtherTypes: true,
      schema: await schemaOf(year, entity),
    });
  }

  const wanted = ({ name, files }: FootballEntity): [number, string][] =>
    [...files].filter(([year]) => ALL || YEARS[name]?.includes(year));

  describe.each(Object.entries(ALL_BACKENDS))("on %s", (_, open) => {
    it.each(FOOTBALL.map((entity) => [entity.name, entity] as const))(
      "%s is read back as DuckDB reads its source",
      async (__, entity) => {
        const storage = new Storage(await open());
        for (const [number, file] of wanted(entity)) {
          const year = await readYear(entity, number, file);
          expect(year.rows.length).toBeGreaterThan(50);
          await writeYear(storage, entity, year);
          const back = await storage.readIndex(entity.name, { year: number });
          expect(canonical(back, entity.keys, year.columns)).toEqual(
            canonical(year.rows, entity.keys, year.columns),
          );
          const root = storage.root();
          if (!root.startsWith("/")) continue;
          // DuckDB reads the same rows from all files of the year.
          const seen = await duckdbRows(
            duckdb,
            `FROM read_parquet('${root}/${entity.name}/year=${number}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)`,
          );
          expect(canonical(seen, entity.keys, year.columns)).toEqual(
            canonical(year.rows, entity.keys, year.columns),
          );
        }
        await storage.close();
      },
      ALL ? 3_600_000 : undefined,
    );
  });

  it("reads CSV in Latin-1 and UTF-8 as DuckDB does", async () => {
    const storage = new Storage(createMemoryBackend());
    for (const [file, encoding] of FOOTBALL_CSV) {
      await storage.backend.put(parseKey("a.csv"), await readFile(file));
      const rows = await storage.readCsv("a.csv", { encoding, nullValues: ["NA", ""], inferTypes: false });
      const expected = await duckdbRows(
        duckdb,
        `FROM read_csv('${file}', encoding = '${encoding.replace("latin1", "latin-1")}', all_varchar = true, nullstr = ['NA', ''], header = true)`,
      );
      const columns = Object.keys(expected[0] ?? {});
      expect(canonical(rows, [], columns)).toEqual(canonical(expected, [], columns));
    }
  });

  it("has the drifts of the golden table, with the written type of each", async () => {
    const lines = [
      "| table | column | type in the source, by year | written without options | with allowOtherTypes |",
      "| --- | --- | --- | --- | --- |",
    ];
    for (const entity of FOOTBALL) {
      const types = new Map<string, Map<number, string>>();
      const strict = new Storage(createMemoryBackend());
      const loose = new Storage(createMemoryBackend());
      const refused = new Map<string, string>();
      for (const [number, file] of entity.files) {
        for (const { column_name, column_type } of await duckdbRows(duckdb, `DESCRIBE FROM '${file}'`)) {
          const column = String(column_name);
          types.set(
            column,
            (types.get(column) ?? new Map<number, string>()).set(number, String(column_type)),
          );
        }
        // The first rows of each year are enough to show its types.
        const rows = await duckdbRows(duckdb, `FROM '${file}' LIMIT 200`);
        const place = Partition.of([["year", number]]);
        await writeStrictly(strict, entity.name, rows, place, refused);
        await loose.write(entity.name, withoutUnsafe(rows), place, { allowOtherTypes: true });
      }
      const written = new Map(
        (await loose.inspect(entity.name)).drift.map(({ column, types: found }) => [
          column,
          found.map(({ type }) => type).filter((type) => type !== "absent"),
        ]),
      );
      for (const [column, found] of types) {
        if (new Set(found.values()).size === 1 && !refused.has(column)) continue;
        lines.push(
          `| ${entity.name} | ${column} | ${ranges(found)} | ${refused.get(column) ?? "one type"} | ${written.get(column)?.sort().join(", ") || "one type"} |`,
        );
      }
    }
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("golden/football-drift.md");
  });
});

/** Writes without the columns that are refused, and notes each refusal once. */
async function writeStrictly(
  storage: Storage,
  entity: string,
  rows: readonly Row[],
  place: Partition,
  refused: Map<string, string>,
): Promise<void> {
  let left = rows;
  for (;;) {
    try {
      await storage.write(entity, left, place);
      return;
    } catch (error) {
      if (!isStorageError(error, "invalid_argument")) throw error;
      const column = /column "([^"]+)"/.exec(error.message)?.[1] ?? "";
      const reason = /is (\S+) here and (\S+) in/.exec(error.message);
      const year = place.get("year");
      if (!refused.has(column))
        refused.set(
          column,
          reason === null
            ? `refused in ${year}: whole numbers beyond 2^53`
            : `refused in ${year}: ${reason[1]} among ${reason[2]}`,
        );
      left = left.map((row) => ({ ...row, [column]: null }));
    }
  }
}

/** Columns of ids that are DOUBLE above 2^53. Inference refuses them, since such whole numbers may have lost digits. */
function unsafeColumns(rows: readonly Row[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row))
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) names.add(name);
  }
  return names;
}

/** Converts such ids to strings: only a schema lets them pass as numbers. */
function withoutUnsafe(rows: readonly Row[]): readonly Row[] {
  const ids = unsafeColumns(rows);
  return rows.map((row) => {
    const copy = { ...row };
    for (const name of ids) copy[name] = copy[name] === null ? null : String(copy[name]);
    return copy;
  });
}

/** `INTEGER 2001-2019, BOOLEAN 2020`. */
function ranges(types: ReadonlyMap<number, string>): string {
  const parts: { type: string; from: number; to: number }[] = [];
  for (const [year, type] of types) {
    const last = parts.at(-1);
    if (last?.type === type) last.to = year;
    else parts.push({ type, from: year, to: year });
  }
  return parts.map(({ type, from, to }) => `${type} ${from === to ? from : `${from}-${to}`}`).join(", ");
}
