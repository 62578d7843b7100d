import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, type Row, Storage } from "@parquetry/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, hasEngine, plain, readWith } from "./python.ts";

interface Engine {
  readonly modules: readonly string[];
  /** The engine's types: string, int64, double, boolean, timestamp, binary, list of int64, struct of string and int64. */
  readonly types: readonly string[];
  /** Its types of the keys of the plays: `year`, `week`, `team`. None if it returns no keys. */
  readonly keyTypes: readonly string[];
  /** The error for NULL keys, if it cannot read them. */
  readonly noNullKeys?: string;
  /** The error for timestamps before 1900, if it cannot read them. */
  readonly noOldTimes?: string;
  /** The error for a column that the first partition lacks, if it cannot read such a table. */
  readonly noNewColumns?: string;
}

const ARROW = [
  "string",
  "int64",
  "double",
  "bool",
  "timestamp[us, tz=UTC]",
  "binary",
  "list<element: int64>",
];
const ARROW_STRUCT = "struct<name: string, since: int64>";
const DICTIONARY = (values: string): string => `dictionary<values=${values}, indices=int32, ordered=0>`;

const PANDAS = ["str", "int64", "float64", "object", "datetime64[us, UTC]", "object", "object", "object"];
const POLARS = [
  "String",
  "Int64",
  "Float64",
  "Boolean",
  "Datetime(time_unit='us', time_zone='UTC')",
  "Binary",
  "List(Int64)",
  "Struct({'name': String, 'since': Int64})",
];
const POLARS_NO_NEW_COLUMNS = "extra column in file outside of expected schema: note";

/** The engines: each without options, and where that is not enough, also with the option that the README names. */
const ENGINES: Readonly<Record<string, Engine>> = {
  "pandas.read_parquet": {
    modules: ["pandas", "pyarrow"],
    types: PANDAS,
    keyTypes: ["category", "category", "category"],
    // The same for a folder that pandas itself wrote.
    noNullKeys: "ArrowInvalid: Cannot yet unify dictionaries with nulls",
  },
  "pandas.read_parquet, partitioning": {
    modules: ["pandas", "pyarrow"],
    types: PANDAS,
    keyTypes: ["int32", "int32", "str"],
  },
  "pyarrow.parquet.read_table": {
    modules: ["pyarrow"],
    types: [...ARROW, ARROW_STRUCT],
    keyTypes: [DICTIONARY("int32"), DICTIONARY("int32"), DICTIONARY("string")],
  },
  "pyarrow.dataset.dataset": {
    modules: ["pyarrow"],
    types: [...ARROW, ARROW_STRUCT],
    keyTypes: ["int32", "int32", "string"],
  },
  "duckdb read_parquet": {
    modules: ["duckdb", "pyarrow"],
    types: [
      "VARCHAR",
      "BIGINT",
      "DOUBLE",
      "BOOLEAN",
      "TIMESTAMP WITH TIME ZONE",
      "BLOB",
      "BIGINT[]",
      'STRUCT("name" VARCHAR, since BIGINT)',
    ],
    keyTypes: ["BIGINT", "BIGINT", "VARCHAR"],
  },
  "polars.scan_parquet": {
    modules: ["polars"],
    types: POLARS,
    // For a pattern of files, Polars returns no keys by default.
    keyTypes: [],
    noNewColumns: POLARS_NO_NEW_COLUMNS,
  },
  "polars.scan_parquet, hive_partitioning": {
    modules: ["polars"],
    types: POLARS,
    keyTypes: ["Int64", "Int64", "String"],
    noNewColumns: POLARS_NO_NEW_COLUMNS,
  },
  "spark.read.parquet": {
    modules: ["pyspark"],
    types: [
      "string",
      "bigint",
      "double",
      "boolean",
      "timestamp",
      "binary",
      "array<bigint>",
      "struct<name:string,since:bigint>",
    ],
    keyTypes: ["int", "int", "string"],
    noOldTimes: "INCONSISTENT_BEHAVIOR_CROSS_VERSION.READ_ANCIENT_DATETIME",
  },
};

const TEAMS = [
  "Texas A&M",
  "Hawai'i",
  "Miami (OH)",
  "San José State",
  "100% = a/b",
  "a+b c",
  "日本 🏈",
  "{x}[1]*?",
];

/** Values of a key: every printable ASCII character alone and inside, odd words, several scripts, and long ones. */
const KEY_VALUES: readonly string[] = [
  ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).flatMap((char) => [
    char,
    `a${char}b ${char}`,
  ]),
  ...[
    "café",
    "Ł",
    "ß",
    "Ω",
    "Привет",
    "שלום",
    "日本",
    "한국어",
    "🏈",
    "e\u0301",
    "\u00a0x",
    "a\tb",
    "a\u007fb",
  ],
  ...[
    "a\u0001b",
    "%20",
    "%C3%A9",
    "100%",
    "a=b=c",
    "k=v",
    "..",
    "null",
    "NULL",
    "None",
    "nan",
    "true",
    "01",
    "1e5",
    "-0",
  ],
  ...["2024-02-29", "a  b", "C:\\x\\y", "https://x.example/?a=b&c=d#e", "x".repeat(200)],
];

/** Rows of every type that Parquetry writes, with odd values and names. */
function* plays(year: number, week: number, team: string): Generator<Row> {
  for (let i = 0; i < 3; i++) {
    yield {
      id: `${year}-${week}-${team}-${i}`,
      big: 2n ** 62n + BigInt(i),
      half: [0.5, -1e300, null][i],
      flag: [true, false, null][i],
      time: [new Date("1969-12-31T23:59:59.999Z"), new Date("2024-09-01T12:30:00Z"), null][i],
      raw: [new Uint8Array([0xff, 0]), new Uint8Array(), null][i],
      scores: [[7, null, 14], [], null][i],
      coach: { name: ["Mike", "", null][i], since: [2001, null, 3][i] },
      points: i === 1 ? null : i - 7,
      "win.prob of é": ["", 'é\u{1f3c8}"\n\\', null][i],
      // NULL throughout in some partitions, but not in the first one.
      note: team === "Hawai'i" ? null : `note ${i}`,
    };
  }
}

/** Only a file system of Linux holds all of the folder names: there are `A` and `a`, and characters that Windows reserves. */
const IS_LINUX = process.platform === "linux";
if (!IS_LINUX) console.warn("SKIPPED: the tests of other engines need Linux");
const FOUND = new Map<string, boolean>();
for (const [name, { modules }] of Object.entries(ENGINES))
  FOUND.set(name, IS_LINUX && (await hasEngine(modules)));

let folder: string;
/** The rows of each table, as they were written. */
const written: Record<string, Row[]> = {};

async function write(
  storage: Storage,
  entity: string,
  rows: readonly Row[],
  keys: Readonly<Record<string, string | number | null>>,
  overwrite = true,
): Promise<void> {
  await storage.write(entity, rows, partition(keys), { overwrite });
  written[entity] = [...(written[entity] ?? []), ...rows.map((row) => ({ ...row, ...keys }))];
}

beforeAll(async () => {
  if (![...FOUND.values()].includes(true)) return;
  folder = await mkdtemp(join(tmpdir(), "parquetry engines-"));
  const storage = new Storage(await createLocalBackend({ root: folder }));
  for (const year of [2023, 2024]) {
    for (const [at, team] of TEAMS.entries()) {
      const keys = { year, week: 1 + (at % 2), team };
      await write(storage, "raw/plays", [...plays(year, keys.week, team)], keys);
      const more = [...plays(year + 100, keys.week, team)];
      if (at % 3 === 0) await write(storage, "raw/plays", more, keys, false);
    }
    await write(storage, "raw/plays", [], { year, week: 14, team: "Rice" });
    for (const week of [1, null]) {
      for (const division of ["east", null, "Mid-American (West)"]) {
        await write(storage, "raw/games", [{ id: `${year}-${week}-${division}` }], { year, week, division });
      }
    }
  }
  const keys = { year: 2024, week: 9, team: "Rice" };
  await storage.write("raw/plays", [{ id: "replaced" }], partition(keys));
  await write(storage, "raw/plays", [...plays(2024, 9, "Rice")], keys);
  for (const [at, k] of KEY_VALUES.entries()) await write(storage, "raw/values", [{ id: at }], { k });
  const old = new Date("1500-02-28T12:00:00Z");
  await write(storage, "raw/old", [{ id: 1, time: old }], { year: 1500 });
  await write(storage, "raw/late", [{ id: 1, note: null }], { year: 2001 });
  await write(storage, "raw/late", [{ id: 2, note: "x" }], { year: 2002 });
});

afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

const byId = (rows: readonly Row[]): readonly Row[] =>
  rows.toSorted((a, b) => (String(a["id"]) < String(b["id"]) ? -1 : 1));

describe.each(Object.entries(ENGINES))("%s", (name, engine) => {
  const TABLES = ["raw/plays", "raw/values", "raw/games", "raw/old", "raw/late"];
  const answers = new Map<string, Answer>();

  beforeAll(async () => {
    if (FOUND.get(name) !== true) return;
    const folders = TABLES.map((table) => join(folder, ...table.split("/")));
    for (const [i, answer] of (await readWith(name, folders)).entries()) answers.set(TABLES[i] ?? "", answer);
  });
  beforeEach((context) => {
    // README: the tests need Node and npm only. CI requires the engines.
    if (FOUND.get(name) !== true) context.skip();
  });

  function checkRows(table: string): void {
    const all = (written[table] ?? []).map((row) => plain(row) as Row);
    const rows =
      engine.keyTypes.length > 0 ? all : all.map(({ year, week, team, division, k, ...columns }) => columns);
    expect(answers.get(table)?.error).toBeUndefined();
    expect(byId(answers.get(table)?.rows ?? [])).toEqual(byId(rows));
  }

  it("returns every row of a table that Parquetry wrote, and the types of its columns", () => {
    checkRows("raw/plays");
    const [string, int64, double, boolean, timestamp, binary, list, struct] = engine.types;
    const [year, week, team] = engine.keyTypes;
    const types = { id: string, big: int64, half: double, flag: boolean, time: timestamp, raw: binary };
    // pandas has no integers with NULL.
    const points = name.startsWith("pandas") ? double : int64;
    const more = { scores: list, coach: struct, points, "win.prob of é": string, note: string };
    const keys = engine.keyTypes.length > 0 ? { year, week, team } : {};
    expect(answers.get("raw/plays")?.types).toEqual({ ...types, ...more, ...keys });
  });

  it("returns every value of a key", () => checkRows("raw/values"));

  it(engine.noNullKeys === undefined ? "returns rows with NULL keys" : "cannot read NULL keys", () => {
    if (engine.noNullKeys === undefined) checkRows("raw/games");
    else expect(answers.get("raw/games")?.error).toContain(engine.noNullKeys);
  });

  it(`${engine.noOldTimes === undefined ? "returns" : "refuses"} timestamps before 1900`, () => {
    if (engine.noOldTimes === undefined) checkRows("raw/old");
    else expect(answers.get("raw/old")?.error).toContain(engine.noOldTimes);
  });

  it(`${engine.noNewColumns === undefined ? "returns" : "refuses"} the rows of a table whose first partition has no value in a column`, () => {
    const answer = answers.get("raw/late");
    if (engine.noNewColumns !== undefined) return expect(answer?.error).toContain(engine.noNewColumns);
    expect(answer?.error).toBeUndefined();
    expect(byId(answer?.rows ?? []).map(({ id, year }) => [id, year])).toEqual([
      ["1", "2001"],
      ["2", "2002"],
    ]);
  });
});
