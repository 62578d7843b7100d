import { beforeEach, describe, expect, it } from "vitest";
import {
  createMemoryBackend,
  isStorageError,
  Partition,
  parseKey,
  partition,
  type Row,
  Storage,
} from "../src/index.ts";
import { checkOptions, either, type OptionKinds, oneOf } from "../src/unstable.ts";
import { encodeParquet, inferColumns } from "../src/unstable-tables.ts";

/** A bad input: its name, the call that passes it, and the expected error code. */
type Case = readonly [name: string, attempt: (storage: Storage) => unknown, code: string];

const ENTITY = "raw/games";
const p2024 = partition({ year: 2024 });
const good: readonly Row[] = Array.from({ length: 200 }, (_, i) => ({ i, text: `row ${i % 7}`, list: [i] }));
const goodFile = await encodeParquet(good, await inferColumns(good));

/** Casts a value that only plain JavaScript can pass. */
// biome-ignore lint/suspicious/noExplicitAny: standing in for callers without types is the point
const anything = (value: unknown): any => value;

async function drain(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of batches);
}

const PATHS: readonly unknown[] = [
  "/",
  "/etc/passwd",
  "..",
  "../x",
  "a/../b",
  "a/..",
  ".",
  "./a",
  "a/./b",
  "a//b",
  "//",
  "a/b//",
  "\0",
  "a\0b",
  "a/\ud800",
  "\udfff/b",
  "x".repeat(1025),
  "é".repeat(513),
  null,
  undefined,
  5,
  Number.NaN,
  true,
  {},
  [],
  ["a"],
  Symbol.iterator,
  () => "a",
  new Date(0),
  10n,
];

const OPERATIONS: Readonly<Record<string, (storage: Storage, path: string) => unknown>> = {
  readParquet: (storage, path) => storage.readParquet(path),
  writeParquet: (storage, path) => storage.writeParquet(path, [{ a: 1 }]),
  readCsv: (storage, path) => storage.readCsv(path),
  writeCsv: (storage, path) => storage.writeCsv(path, [{ a: 1 }]),
  readIndex: (storage, path) => storage.readIndex(path),
  scan: (storage, path) => drain(storage.scan(path)),
  write: (storage, path) => storage.write(path, [{ a: 1 }], p2024),
  replacePartitions: (storage, path) => storage.replacePartitions(path, []),
  inspect: (storage, path) => storage.inspect(path),
  repair: (storage, path) => storage.repair(path),
  exists: (storage, path) => storage.exists(path),
  listFiles: (storage, path) => storage.listFiles(anything(path ?? null)),
  delete: (storage, path) => storage.delete([path]),
};

const paths: Case[] = Object.entries(OPERATIONS).flatMap(([op, run]) =>
  PATHS.map(
    (path): Case => [
      `${op} of the path ${show(path)}`,
      (storage) => run(storage, anything(path)),
      "invalid_path",
    ],
  ),
);

const ROWS: readonly unknown[] = [
  null,
  undefined,
  5,
  "rows",
  {},
  new Map(),
  new Set([{ a: 1 }]),
  () => [],
  [null],
  [undefined],
  [1],
  ["x"],
  [[]],
  [[1, 2]],
  [{ a: 1 }, null],
  [{ "": 1 }],
  [JSON.parse('{"__proto__": 1}')],
  [{ a: 1, A: 2 }],
  [{ "\ud800": 1 }],
];
const VALUES: readonly unknown[] = [
  () => 1,
  Symbol("x"),
  new Map(),
  new Set(),
  new WeakMap(),
  /x/,
  new Error("x"),
  Promise.resolve(1),
  new Date(Number.NaN),
  new Proxy(class {}, {}),
  2 ** 53,
  -(2 ** 53),
  2n ** 63n,
  -(2n ** 63n) - 1n,
  [1, "x"],
  [[1], 2],
  { a: { b: new Map() } },
  new Int32Array(2),
  new URL("http://x"),
  [() => 1],
  { x: 1, X: 2 },
];
const rows: Case[] = [
  ...ROWS.flatMap((given): Case[] => [
    [
      `write of the rows ${show(given)}`,
      (storage) => storage.write(ENTITY, anything(given), p2024),
      "invalid_argument",
    ],
    [
      `writeParquet of the rows ${show(given)}`,
      (storage) => storage.writeParquet("a", anything(given)),
      "invalid_argument",
    ],
    [
      `writeCsv of the rows ${show(given)}`,
      (storage) => storage.writeCsv("a", anything(given)),
      "invalid_argument",
    ],
  ]),
  ...VALUES.map(
    (value): Case => [
      `write of the value ${show(value)}`,
      (storage) => storage.write(ENTITY, [{ ok: 1, a: value }], p2024),
      "invalid_argument",
    ],
  ),
  ...[
    [{ a: 1 }, { a: "x" }],
    [{ a: true }, { a: 1 }],
    [{ a: new Date(0) }, { a: "x" }],
    [{ a: [1] }, { a: { b: 1 } }],
    [{ a: 2n ** 60n + 1n }, { a: 0.5 }],
  ].map(
    (mixed): Case => [
      `write of mixed types ${show(mixed)}`,
      (storage) => storage.write(ENTITY, mixed, p2024),
      "invalid_argument",
    ],
  ),
  ["writeParquet of no rows and no schema", (storage) => storage.writeParquet("a", []), "invalid_argument"],
  [
    "a row that contradicts its partition",
    (storage) => storage.write(ENTITY, [{ year: 1999 }], p2024),
    "invalid_argument",
  ],
];

const SCHEMAS: readonly unknown[] = [
  5,
  "x",
  {},
  null,
  [null],
  [5],
  [{}],
  [{ name: 1, type: "int64" }],
  [{ name: "a" }],
  [{ name: "a", type: "int32" }],
  [{ name: "a", type: "INT64" }],
  [{ name: "a", type: {} }],
  [{ name: "a", type: { list: "x" } }],
  [{ name: "a", type: { struct: 5 } }],
  [{ name: "a", type: { struct: [] } }],
  [{ name: "", type: "int64" }],
  [
    { name: "a", type: "int64" },
    { name: "A", type: "int64" },
  ],
  [{ name: "__proto__", type: "int64" }],
];
const FITS: readonly (readonly [type: unknown, value: unknown])[] = [
  ["int64", 1.5],
  ["int64", Number.NaN],
  ["int64", "1"],
  ["int64", true],
  ["int64", 2 ** 60],
  ["double", "1"],
  ["double", 2n ** 60n + 1n],
  ["boolean", 1],
  ["boolean", "true"],
  ["string", 1],
  ["string", {}],
  ["timestamp", "2024-01-01"],
  ["timestamp", 0],
  ["binary", "x"],
  ["binary", [1]],
  ["null", 0],
  [{ list: "int64" }, 1],
  [{ list: "int64" }, ["x"]],
  [{ struct: [{ name: "x", type: "int64" }] }, 1],
  [{ struct: [{ name: "x", type: "int64" }] }, { x: "y" }],
  [{ struct: [{ name: "x", type: "int64" }] }, { y: 1 }],
  ["json", () => 1],
  ["json", 10n],
  ["string", "\ud800"],
];
const schemas: Case[] = [
  ...SCHEMAS.map(
    (schema): Case => [
      `write with the schema ${show(schema)}`,
      (storage) => storage.write(ENTITY, [{ a: 1 }], p2024, { schema: anything(schema) }),
      "invalid_argument",
    ],
  ),
  ...FITS.map(
    ([type, value]): Case => [
      `write of ${show(value)} as ${show(type)}`,
      (storage) =>
        storage.write(ENTITY, [{ a: value }], p2024, { schema: [{ name: "a", type: anything(type) }] }),
      "invalid_argument",
    ],
  ),
  [
    "write of a column that the schema lacks",
    (storage) => storage.write(ENTITY, [{ a: 1, b: 2 }], p2024, { schema: [{ name: "a", type: "int64" }] }),
    "invalid_argument",
  ],
];

const PARTITION_VALUES: readonly unknown[] = [
  Number.NaN,
  1.5,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  undefined,
  {},
  [],
  () => 1,
  Symbol("x"),
  new Date(0),
  "__HIVE_DEFAULT_PARTITION__",
  "\ud800",
  "\udc00x",
];
const PARTITIONS: readonly unknown[] = [
  null,
  undefined,
  5,
  "year=2024",
  [],
  [["year", "2024"]],
  { "": "1" },
  { "2024": "1" },
  { a: "1", A: "2" },
  { "\ud800": "1" },
  { year: { gt: 1 } },
];
const partitions: Case[] = [
  ...PARTITION_VALUES.flatMap((value): Case[] => [
    [`the partition value ${show(value)}`, () => partition({ year: anything(value) }), "invalid_path"],
    [
      `the filter value ${show(value)}`,
      (storage) => storage.readIndex(ENTITY, { year: anything([value]) }),
      // A number or a text that no folder can have, or a value of another kind.
      typeof value === "string" || typeof value === "number" ? "invalid_path" : "invalid_argument",
    ],
  ]),
  ...PARTITIONS.map(
    (values): Case => [`the partition of ${show(values)}`, () => partition(anything(values)), "invalid_path"],
  ),
  ...["x", "a=1/b", "=1", "a=1/=2", "a=1/a=2", "a=1/A=2", "a=1//b=2", "__proto__=1"].map(
    (path): Case => [`the partition path ${path}`, () => Partition.parse(path), "invalid_path"],
  ),
  ...[null, undefined, "year=2024", { year: "2024" }, 5, []].map(
    (given): Case => [
      `write to the partition ${show(given)}`,
      (storage) => storage.write(ENTITY, [{ a: 1 }], anything(given)),
      "invalid_argument",
    ],
  ),
  ...[null, 5, "year=2024", [], true].map(
    (given): Case => [
      `readIndex with the filters ${show(given)}`,
      (storage) => storage.readIndex(ENTITY, anything(given)),
      "invalid_argument",
    ],
  ),
  ...[
    null,
    5,
    "x",
    {},
    [5],
    [{}],
    [{ partition: p2024 }],
    [{ partition: "year=2024", rows: [] }],
    [null],
  ].map(
    (given): Case => [
      `replacePartitions of ${show(given)}`,
      (storage) => storage.replacePartitions(ENTITY, anything(given)),
      "invalid_argument",
    ],
  ),
];

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A Parquet file whose footer is these bytes. */
function withFooter(footer: Uint8Array, length: number = footer.byteLength): Uint8Array {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, length, true);
  return Buffer.concat([text("PAR1"), footer, size, text("PAR1")]);
}

const PARQUET: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(),
  "one byte": new Uint8Array(1),
  "the magic alone": text("PAR1"),
  "the magic twice": text("PAR1PAR1"),
  "a text": text("this is a text and no Parquet file at all"),
  zeros: new Uint8Array(4096),
  "an empty footer": withFooter(new Uint8Array()),
  "a footer that ends at once": withFooter(new Uint8Array([0])),
  "a footer longer than the file": withFooter(new Uint8Array(3), 0xffffffff),
  "a footer of zeros": withFooter(new Uint8Array(300)),
  "a footer of ones": withFooter(new Uint8Array(300).fill(0xff)),
  "a list of four thousand million": withFooter(
    new Uint8Array([0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
  ),
  "a list of four thousand million booleans": withFooter(
    new Uint8Array([0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
  ),
  "nested structs without end": withFooter(new Uint8Array(50_000).fill(0x1c)),
  "a number without end": withFooter(new Uint8Array(3000).fill(0x95)),
  "a footer of another file": Buffer.concat([text("PAR1"), goodFile.subarray(-400)]),
  "the end of a file": goodFile.subarray(100),
  "a file with a hole": Buffer.concat([goodFile.subarray(0, 50), goodFile.subarray(90)]),
  "a file with its pages zeroed": Buffer.concat([
    goodFile.subarray(0, 4),
    new Uint8Array(600),
    goodFile.subarray(604),
  ]),
  "a file with its pages set": Buffer.concat([
    goodFile.subarray(0, 4),
    new Uint8Array(600).fill(0xff),
    goodFile.subarray(604),
  ]),
};
const parquet: Case[] = [
  ...Object.entries(PARQUET).map(
    ([name, bytes]): Case => [
      `the Parquet file: ${name}`,
      async (storage) => {
        await storage.backend.put(parseKey("a.parquet"), bytes);
        return storage.readParquet("a.parquet");
      },
      "corrupt",
    ],
  ),
  [
    "the Parquet file: an encrypted footer",
    async (storage) => {
      const bytes = Buffer.concat([goodFile.subarray(0, -4), text("PARE")]);
      await storage.backend.put(parseKey("a.parquet"), bytes);
      return storage.readParquet("a.parquet");
    },
    "not_supported",
  ],
  ...Array.from({ length: 40 }, (_, i): Case => {
    const length = Math.floor((goodFile.byteLength * i) / 40);
    return [
      `the Parquet file cut to ${length} bytes`,
      async (storage) => {
        await storage.backend.put(parseKey("raw/cut/year=2024/a.parquet"), goodFile.subarray(0, length));
        return storage.readIndex("raw/cut");
      },
      "corrupt",
    ];
  }),
];

const CSV: Readonly<Record<string, string | Uint8Array>> = {
  "a short row": "a,b\n1\n",
  "a long row": "a,b\n1,2,3\n",
  "an open quote": 'a,b\n"1,2\n',
  "a quote in the middle": 'a,b\n1"x,2\n',
  "text behind a quote": 'a,b\n"1"x,2\n',
  "a name twice": "a,a\n1,2\n",
  "a name twice but for case": "a,A\n1,2\n",
  "no name": "a,\n1,2\n",
  "no name at all": ",\n1,2\n",
  "the name __proto__": "__proto__,a\n1,2\n",
  "Latin-1": Buffer.from("team\nSan Jos\xe9\n", "latin1"),
  "UTF-16": Buffer.from("\ufeffa,b\n1,2\n", "utf16le"),
  "UTF-16, big end first": Buffer.from("\ufeffa,b\n1,2\n", "utf16le").swap16(),
  "UTF-16 without a byte order mark": Buffer.from("a,b\n1,2\n", "utf16le"),
  "half a character": Buffer.from([0x61, 0x0a, 0xc3]),
  "a Parquet file": goodFile,
};
const csv: Case[] = [
  ...Object.entries(CSV).map(
    ([name, content]): Case => [
      `the CSV file: ${name}`,
      async (storage) => {
        await storage.backend.put(parseKey("a.csv"), typeof content === "string" ? text(content) : content);
        return storage.readCsv("a.csv");
      },
      "corrupt",
    ],
  ),
  ["writeCsv of rows without columns", (storage) => storage.writeCsv("a.csv", [{}]), "invalid_argument"],
  [
    "writeCsv of half a character",
    (storage) => storage.writeCsv("a.csv", [{ a: "\ud800" }]),
    "invalid_argument",
  ],
  [
    "readCsv with a backslash as delimiter and escape",
    async (storage) => {
      await storage.backend.put(parseKey("a.csv"), text("a\\b\n1\\2\n"));
      return storage.readCsv("a.csv", { delimiter: "\\", escape: "\\" });
    },
    "invalid_argument",
  ],
  [
    "writeCsv of two columns that differ only in case",
    (storage) => storage.writeCsv("a.csv", [{ a: 1 }], { columns: ["a", "A"] }),
    "invalid_argument",
  ],
];

const MANIFESTS: readonly string[] = [
  "",
  "{",
  "null",
  "5",
  "[]",
  '"x"',
  "\xff",
  '{"rows": -1}',
  '{"rows": 1.5}',
  '{"rows": "1"}',
  '{"files": {}}',
  '{"files": [5]}',
  '{"files": [{}]}',
  '{"files": [{"name": 5, "rows": 1, "bytes": 1, "sha256": ""}]}',
  '{"files": [{"name": "a.parquet", "rows": 1, "bytes": 1, "sha256": "x"}]}',
  '{"schema": 5}',
  '{"schema": {"fields": 5}}',
  '{"schema": {"fields": [{"name": 5}]}}',
  '{"write_id": 5}',
  '{"replaced": [5]}',
  '{"entity": 5}',
  '{"files": [{"name": "a.parquet", "rows": -1, "bytes": 1, "sha256": ""}]}',
];
const manifests: Case[] = MANIFESTS.flatMap((content): Case[] => {
  const prepare = async (storage: Storage): Promise<void> => {
    await storage.backend.put(parseKey(`${ENTITY}/year=2024/data.parquet`), goodFile);
    await storage.backend.put(parseKey(`${ENTITY}/year=2024/manifest.json`), Buffer.from(content, "latin1"));
  };
  return [
    [
      `readIndex with the manifest ${content}`,
      async (storage) => prepare(storage).then(() => storage.readIndex(ENTITY)),
      "corrupt",
    ],
    [
      `write with the manifest ${content}`,
      async (storage) => prepare(storage).then(() => storage.write(ENTITY, [{ a: 1 }], p2024)),
      "corrupt",
    ],
  ];
});

const options: Case[] = [
  ["readIndex of an unknown entity", (storage) => storage.readIndex("raw/none"), "not_found"],
  ["inspect of an unknown entity", (storage) => storage.inspect("raw/none"), "not_found"],
  ["repair of an unknown entity", (storage) => storage.repair("raw/none"), "not_found"],
  ["readParquet of a missing file", (storage) => storage.readParquet("none.parquet"), "not_found"],
  ["readCsv of a missing file", (storage) => storage.readCsv("none.csv"), "not_found"],
  ["new Storage without a backend", () => new Storage(anything(undefined)), "invalid_argument"],
  ["new Storage of a path", () => new Storage(anything("./data")), "invalid_argument"],
];

const UNKNOWN_OPTIONS: Readonly<Record<string, (storage: Storage, options: unknown) => unknown>> = {
  exists: (storage, given) => storage.exists("a", anything(given)),
  listFiles: (storage, given) => storage.listFiles("", anything(given)),
  listEntities: (storage, given) => storage.listEntities("", anything(given)),
  readParquet: (storage, given) => storage.readParquet("a.parquet", anything(given)),
  scanParquet: (storage, given) => drain(storage.scanParquet("a.parquet", anything(given))),
  writeParquet: (storage, given) => storage.writeParquet("a.parquet", good, anything(given)),
  readCsv: (storage, given) => storage.readCsv("a.csv", anything(given)),
  scanCsv: (storage, given) => drain(storage.scanCsv("a.csv", anything(given))),
  writeCsv: (storage, given) => storage.writeCsv("a.csv", good, anything(given)),
  readIndex: (storage, given) => storage.readIndex(ENTITY, {}, anything(given)),
  "readIndex's csv": (storage, given) => storage.readIndex(ENTITY, {}, { csv: anything(given) }),
  scan: (storage, given) => drain(storage.scan(ENTITY, {}, anything(given))),
  write: (storage, given) => storage.write(ENTITY, good, p2024, anything(given)),
  replacePartitions: (storage, given) => storage.replacePartitions(ENTITY, [], anything(given)),
  repair: (storage, given) => storage.repair(ENTITY, anything(given)),
  inspect: (storage, given) => storage.inspect(ENTITY, anything(given)),
  delete: (storage, given) => storage.delete(["a"], anything(given)),
};
const unknownOptions: Case[] = Object.entries(UNKNOWN_OPTIONS).flatMap(([call, attempt]) =>
  [{ overwite: true }, { __proto__x: 1 }, null, 5].map(
    (given): Case => [
      `${call} with ${show(given)}`,
      (storage) => attempt(storage, given),
      "invalid_argument",
    ],
  ),
);

const CASES: readonly Case[] = [
  ...paths,
  ...rows,
  ...schemas,
  ...partitions,
  ...parquet,
  ...csv,
  ...manifests,
  ...options,
  ...unknownOptions,
];

describe(`${CASES.length} bad inputs`, () => {
  let storage: Storage;
  beforeEach(() => {
    storage = new Storage(createMemoryBackend());
  });

  it("are more than 300, hardly any of them twice", () => {
    expect(CASES.length).toBeGreaterThan(300);
    expect(new Set(CASES.map(([name]) => name)).size).toBeGreaterThan(0.9 * CASES.length);
  });

  it.each(CASES)("%s", async (_, attempt, code) => {
    let outcome: unknown;
    try {
      outcome = { came: await attempt(storage) };
    } catch (error) {
      outcome = error;
    }
    if (!isStorageError(outcome)) throw new Error(`no StorageError but ${show(outcome)}`, { cause: outcome });
    expect(outcome.code, outcome.message).toBe(code);
    // The message describes the problem and the remedy, and is not an internal error of some library.
    expect(outcome.message).toMatch(/\.$/);
    expect(outcome.message.length).toBeGreaterThan(30);
    expect(outcome.message).not.toMatch(/Cannot read prop|is not a function|\[object Object\]/);
  });
});

it("names a misspelt option, the one that was probably meant, and all known ones", async () => {
  const storage = new Storage(createMemoryBackend());
  await expect(storage.write(ENTITY, good, p2024, anything({ overwite: true }))).rejects.toThrow(
    'write: there is no option "overwite". Did you mean overwrite? Options are overwrite, schema, ',
  );
  await expect(storage.readIndex(ENTITY, {}, anything({ column: ["a"] }))).rejects.toThrow(
    "Did you mean columns?",
  );
  // A check of own names would overlook inherited options.
  const inherited: object = Object.create({ overwrite: true });
  await expect(storage.write(ENTITY, good, p2024, inherited)).rejects.toThrow("must be a plain object");
});

it("names an option of the wrong kind and what was expected, and shows no secret", () => {
  const kinds: OptionKinds<
    Record<"force" | "names" | "limit" | "size" | "signal" | "name" | "on" | "csv", unknown>
  > = {
    force: "boolean",
    names: "strings",
    limit: "count",
    size: "number",
    signal: "signal",
    name: "string",
    on: either("function", oneOf("skip", "throw")),
    csv: "object",
  };
  const check = (options: Record<string, unknown>): void => checkOptions(options, kinds, "sweep");
  check({ force: true, names: ["a"], limit: 1, size: 0.5, signal: AbortSignal.abort(), name: "", on: check });
  check({ force: undefined, on: "skip", csv: Object.create(null) });
  const refused: [Record<string, unknown>, string][] = [
    [{ force: 1 }, "sweep: force must be true or false, got 1."],
    [{ names: "a" }, 'sweep: names must be an array of strings, got "a".'],
    [{ names: [1] }, "sweep: names must be an array of strings, got [1]."],
    [{ limit: 0 }, "sweep: limit must be a whole number, 1 or more, got 0."],
    [{ limit: 1.5 }, "sweep: limit must be a whole number, 1 or more, got 1.5."],
    [{ size: Number.NaN }, "sweep: size must be a finite number, got NaN."],
    [{ signal: new AbortController() }, "sweep: signal must be an AbortSignal, got an AbortController."],
    [{ name: { secret: "s3cr3t" } }, "sweep: name must be a string, got an object."],
    [{ on: null }, 'sweep: on must be a function or "skip" or "throw", got null.'],
    [{ csv: new Map() }, "sweep: csv must be a plain object, got a Map."],
    [{ csv: [] }, "sweep: csv must be a plain object, got []."],
  ];
  for (const [options, says] of refused) expect(() => check(options)).toThrow(says);
  for (const options of [null, "force", [], new Map(), new Date()])
    expect(() => check(anything(options))).toThrow("sweep: options must be a plain object, got ");
});

it("skips a whole file with a valid footer and broken pages, with onUnreadable: skip", async () => {
  const storage = new Storage(createMemoryBackend());
  await storage.write(ENTITY, [{ i: 1 }], partition({ year: 2023 }));
  const broken = PARQUET["a file with its pages set"] ?? new Uint8Array();
  await storage.backend.put(parseKey(`${ENTITY}/year=2024/a.parquet`), broken);
  await expect(storage.readIndex(ENTITY)).rejects.toMatchObject({ code: "corrupt" });
  const skipped: string[] = [];
  const rows = await storage.readIndex(
    ENTITY,
    {},
    {
      onUnreadable: "skip",
      onSkippedFile: ({ message }) => skipped.push(message),
    },
  );
  expect(rows).toEqual([{ i: 1, year: "2023" }]);
  expect(skipped).toEqual([expect.stringContaining("year=2024/a.parquet")]);
});

function show(value: unknown): string {
  if (typeof value === "function" || typeof value === "symbol") return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    const json = JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
    return (json ?? String(value)).slice(0, 60);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
