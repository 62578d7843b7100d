import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, partition, Storage, type StorageBackend } from "@parquetry/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type CompactOptions,
  type OpenQueryOptions,
  openQuery,
  type QueryDatabase,
  type SqlOptions,
} from "../src/index.ts";

let cacheDirectory: string;
let storage: Storage;
let db: QueryDatabase;
/** The calls to the backend. */
const calls: string[] = [];

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-kinds-"));
  const backend = createMemoryBackend();
  for (const play of [1, 2]) {
    await new Storage(backend).write("raw/plays", [{ play }], partition({ year: 2024 }), {
      overwrite: false,
    });
  }
  const counted = Object.fromEntries(
    Object.entries(backend).map(([name, member]) => [
      name,
      typeof member !== "function"
        ? member
        : (...args: unknown[]) => {
            calls.push(name);
            return Reflect.apply(member, backend, args);
          },
    ]),
  );
  storage = new Storage(counted as unknown as StorageBackend);
  db = await openQuery(storage, { cacheDirectory });
  await db.sql("FROM plays");
  expect(calls).toContain("list");
});

beforeEach(() => {
  calls.length = 0;
});

afterAll(async () => {
  await db?.close();
  await rm(cacheDirectory, { recursive: true, force: true });
});

/** For every option, values of the wrong kind. The compiler refuses a table that lacks an option. */
type Wrong<T> = { readonly [K in keyof Required<T>]: readonly unknown[] };

const casesOf = <T extends object>(wrong: Wrong<T>): readonly (readonly [string, unknown])[] =>
  Object.entries<readonly unknown[]>(wrong).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );

const TYPES = [
  "VARCHAR",
  ["raw/plays"],
  { "raw/plays": "VARCHAR" },
  { "raw/plays": { week: 5 } },
  { a: { b: "INT)" } },
];

const WRONG_OPEN: Wrong<OpenQueryOptions> = {
  engine: ["trino", {}, { name: "trino" }, { open: () => {} }],
  hiveTypes: TYPES,
  columnTypes: TYPES,
  csv: ["utf-8", [], { encoding: "ebcdic" }, { delimiter: 5 }, { delimeter: ";" }, { inferTypes: "no" }],
  remote: ["cloud", true],
  httpfsExtension: [true],
  cacheDirectory: [5],
  cacheMaxBytes: ["10GB", -1, 0.5, Number.NaN],
  trusted: ["false", 1],
  isolate: ["false", 0],
  memoryLimit: ["4 gigs", "much", "", 4, "4"],
  threads: [0, -1, 1.5, "4", Number.POSITIVE_INFINITY],
  onUnreadableFolder: [true, "warn"],
  onStrays: [true, "log", {}],
};

const WRONG_SQL: Wrong<SqlOptions> = {
  maxRows: ["10", -1, 1.5, Number.NaN],
  maxBytes: ["10MB", -1],
  timestamps: ["iso", true],
  timeoutMs: ["100", 0, -1, Number.NaN],
  signal: [true, new AbortController()],
  onProgress: [true],
};

const WRONG_COMPACT: Wrong<CompactOptions> = {
  dryRun: ["false", 1],
  where: ["year=2024", ["year"], { year: { from: 2020 } }, { year: true }, { year: [null] }],
  sortBy: ["play", [5]],
  into: [
    "raw/other",
    { entity: "raw/other" },
    { keys: [] },
    { entity: "a", keys: "year" },
    { entity: "a", keys: [], x: 1 },
  ],
  signal: [5],
  onPartition: [true],
};

/** Expects a refusal that names the option, and nothing done. */
async function expectRefusal(call: () => Promise<unknown>, name: string | RegExp): Promise<void> {
  await expect(call()).rejects.toMatchObject({
    name: "StorageError",
    code: "invalid_argument",
    message: expect.stringMatching(name),
  });
  expect(calls).toEqual([]);
}

const QUERIES: Readonly<Record<string, (options: object, sql?: unknown) => Promise<unknown>>> = {
  sql: (options, sql = "FROM plays") => db.sql(sql as string, [], options),
  columns: (options, sql = "FROM plays") => db.columns(sql as string, [], options),
  stream: (options, sql = "FROM plays") => db.stream(sql as string, [], options).next(),
  open: (options, sql = "FROM plays") => db.open(sql as string, [], options),
  toParquet: (options, sql = "FROM plays") => db.toParquet(sql as string, [], options),
  explain: (options, sql = "FROM plays") => db.explain(sql as string, [], options),
  files: (options, sql = "FROM plays") => db.files(sql as string, [], options),
};

describe("openQuery", () => {
  it.each(casesOf(WRONG_OPEN))("refuses the option %s: %j", async (name, value) => {
    const directory = join(cacheDirectory, "never");
    await expectRefusal(
      () => openQuery(storage, { cacheDirectory: directory, [name]: value }),
      new RegExp(name === "csv" ? "csv|encoding|delimiter|inferTypes" : name),
    );
    expect(await readdir(cacheDirectory)).not.toContain("never");
  });

  it.each([null, undefined, 5, "s3://bucket", {}, Promise.resolve()])(
    "refuses %s as a storage",
    async (given) => {
      await expectRefusal(() => openQuery(given as never), /storage/);
    },
  );

  it.each([null, 5, "trusted"])("refuses %j as options", async (given) => {
    await expectRefusal(() => openQuery(storage, given as never), /options/);
  });
});

describe.each(Object.keys(QUERIES))("%s", (call) => {
  const run = QUERIES[call] ?? (async () => {});

  it.each([...casesOf(WRONG_SQL), ["maxrows", 5] as const])(
    "refuses the option %s: %j",
    async (name, value) => {
      await expectRefusal(() => run({ [name]: value }), name);
    },
  );

  it.each([null, 5, {}, ["SELECT 1"]])("refuses %j as SQL", async (sql) => {
    await expectRefusal(() => run({}, sql), /SQL must be a string/);
  });
});

describe("compact", () => {
  it.each([...casesOf(WRONG_COMPACT), ["dryrun", true] as const])(
    "refuses the option %s: %j",
    async (name, value) => {
      await expectRefusal(() => db.compact("raw/plays", { [name]: value }), name);
    },
  );
});

describe.each(["describe", "tables", "compact"] as const)("%s", (call) => {
  const run = (options: unknown): Promise<unknown> =>
    call === "tables" ? db.tables(options as never) : db[call]("plays", options as never);

  it.each([{ signal: 5 }, { singal: undefined }, 5, null])("refuses %j as options", async (options) => {
    await expectRefusal(() => run(options), /signal|options/);
  });
});

it.each([5, null, {}])("describe and compact refuse %j as a table", async (table) => {
  await expectRefusal(() => db.describe(table as never), /table must be a string/);
  await expectRefusal(() => db.compact(table as never), /table must be a string/);
});
