import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { beforeAll, describe, expect, it } from "vitest";
import {
  createMemoryBackend,
  Partition,
  parseKey,
  partition,
  type ReadParquetOptions,
  type Row,
  Storage,
} from "../src/index.ts";
import { chunkLayout } from "../src/unstable-tables.ts";

/** Written by make-values.py. */
const FOLDER = join(import.meta.dirname, "golden", "values");
const storage = new Storage(createMemoryBackend());
// The thread that decodes untrusted files needs the built package.
const built: typeof import("../src/index.ts") = await import(
  new URL("../dist/index.js", import.meta.url).href
);
const inThread = (of: Storage): Storage => new built.Storage(of.backend);
const pathOf = (name: string): string => `t/file=${name}/${name}.parquet`;

beforeAll(async () => {
  for (const file of await readdir(FOLDER)) {
    const bytes = await readFile(join(FOLDER, file));
    await storage.backend.put(parseKey(pathOf(file.replace(".parquet", ""))), bytes);
  }
});

/** Returns a storage with one of the files. */
async function only(name: string): Promise<Storage> {
  const own = new Storage(createMemoryBackend());
  const { body } = await storage.backend.get(parseKey(pathOf(name)));
  await own.backend.put(parseKey(pathOf(name)), await body.bytes());
  return own;
}

/** Reads a file by every call that reads Parquet, and checks that all return the same rows. */
async function read(name: string, options: ReadParquetOptions = {}): Promise<Row[]> {
  const rows = await storage.readParquet(pathOf(name), options);
  const scanned: Row[] = [];
  for await (const batch of storage.scanParquet(pathOf(name), options)) scanned.push(...batch);
  expect(scanned).toEqual(rows);
  expect(await inThread(storage).readParquet(pathOf(name), { ...options, untrusted: true })).toEqual(rows);
  const indexed = rows.map((row) => ({ ...row, file: name }));
  expect(await storage.readIndex("t", { file: name }, options)).toEqual(indexed);
  const inBatches: Row[] = [];
  for await (const batch of storage.scan("t", { file: name }, options)) inBatches.push(...batch);
  expect(inBatches).toEqual(indexed);
  return rows;
}

/** Refuses a file by every call that reads Parquet. */
async function refuse(name: string, error: object, options: ReadParquetOptions = {}): Promise<void> {
  await expect(storage.readParquet(pathOf(name), options)).rejects.toMatchObject(error);
  await expect(
    inThread(storage).readParquet(pathOf(name), { ...options, untrusted: true }),
  ).rejects.toMatchObject(error);
  await expect(storage.readIndex("t", { file: name }, options)).rejects.toMatchObject(error);
}

const pair = (key: unknown, value: unknown): object => ({ key, value });

describe("a MAP is an array of its entries", () => {
  it.each<[string, readonly unknown[]]>([
    ["text", [[pair("b", 1), pair("a", null)], null, []]],
    ["equal", [[pair("a", 1), pair("b", 2), pair("a", 3)]]],
    ["proto", [[pair("__proto__", 1), pair("constructor", 2), pair("1960", 3)]]],
    ["struct", [[pair({ a: 1 }, 1), pair({ a: 2 }, 2)]]],
    ["binary", [[pair(new Uint8Array([0, 255]), 1), pair(new Uint8Array(), 2)]]],
    ["date", [[pair(new Date("2024-01-01"), 1)]]],
    ["number", [[pair(1.5, 1), pair(Number.NaN, 2), pair(Number.NaN, 3)]]],
    ["bigint", [[pair(2n ** 62n, 1), pair(2n ** 62n + 1n, 2)]]],
    ["boolean", [[pair(true, 1), pair(false, 2)]]],
    ["decimals", [[pair("1.10", 2.5)]]],
    ["time", [[pair("01:02:03.000004", 1)]]],
    ["nested", [[pair("a", [pair("x", 1), pair("x", 2)]), pair("b", null)]]],
  ])("with keys of kind %s", async (kind, expected) => {
    expect((await read(`map-${kind}`)).map(({ m }) => m)).toEqual(expected);
  });

  it("inside lists and structs", async () => {
    expect(await read("map-inside")).toEqual([
      { list: [[pair("k", 1), pair("k", 2)], null], struct: { m: [pair("k", 1)] } },
      { list: null, struct: { m: null } },
      { list: [], struct: null },
    ]);
  });
});

describe("names", () => {
  const NAMES = [
    "country",
    "1961",
    "constructor",
    "1960",
    "toString",
    "__proto__",
    "valueOf",
    "\uFEFFid",
    "id",
    "a.b",
  ];
  const VALUES = Object.fromEntries(NAMES.map((name, i) => [name, i]));
  const textual = (names: readonly string[]): readonly string[] =>
    names.filter((name) => !/^\d+$/.test(name));

  it("of other writers are columns like others, also those of object members", async () => {
    const [row] = await read("names");
    expect(Object.entries(row ?? {}).sort()).toEqual(Object.entries(VALUES).sort());
    expect(textual(Object.keys(row ?? {}))).toEqual(textual(NAMES));
    const { schemas } = await (await only("names")).inspect("t");
    expect(schemas[0]?.fields.map(({ name }) => name)).toEqual(NAMES);
  });

  it.each(NAMES)("%j is read alone", async (name) => {
    expect(Object.entries((await read("names", { columns: [name] }))[0] ?? {})).toEqual([
      [name, VALUES[name]],
    ]);
  });

  it("of fields may hold dots and be those of object members", async () => {
    const [row] = await read("names-nested");
    expect(Object.entries(row?.["s"] ?? {}).sort()).toEqual(Object.entries(VALUES).sort());
    expect(row).toMatchObject({ a: { b: { c: 1 }, "b.c": 2 }, "a.b": { c: 3 }, "a.b.c": 4 });
  });

  it("of the option columns keep their order, also those of partition keys and of no column", async () => {
    const some = ["valueOf", "none", "country", "constructor"];
    expect(Object.entries((await storage.readParquet(pathOf("names"), { columns: some }))[0] ?? {})).toEqual([
      ["valueOf", 6],
      ["none", null],
      ["country", 0],
      ["constructor", 2],
    ]);
    const columns = ["valueOf", "file", "country", "constructor"];
    const [row] = await storage.readIndex("t", { file: "names" }, { columns });
    expect(Object.keys(row ?? {})).toEqual(columns);
    expect(row).toMatchObject({ file: "names", valueOf: 6 });
    const options = { columns, untrusted: true };
    expect(
      Object.keys((await inThread(storage).readIndex("t", { file: "names" }, options))[0] ?? {}),
    ).toEqual(columns);
  });

  it("begin with a byte order mark also in the layout of a footer", async () => {
    const [group] = chunkLayout(await readFile(join(FOLDER, "names.parquet")));
    expect(group?.chunks.map(({ path }) => path)).toEqual(NAMES.map((name) => [name]));
  });

  it("of object members are written, also where a row lacks them", async () => {
    const own = new Storage(createMemoryBackend());
    const names = ["constructor", "toString", "valueOf", "hasOwnProperty", "1960", "\uFEFFid", "a.b"];
    const full = Object.fromEntries(names.map((name, i) => [name, { [name]: i }]));
    const rows: Row[] = [{ n: 1 }, { n: 2, ...full }, { n: 3, constructor: { n: 1 } }];
    const missing = Object.fromEntries(names.map((name) => [name, null]));
    const last = { n: 1, constructor: null };
    const expected = [
      { n: 1, ...missing },
      { n: 2, ...full, constructor: { constructor: 0, n: null } },
      { n: 3, ...missing, constructor: last },
    ];
    await own.write("a", rows, partition({ y: 1 }));
    await own.writeParquet("b.parquet", rows);
    expect(await own.readParquet("b.parquet")).toEqual(expected);
    expect(await own.readIndex("a")).toEqual(expected.map((row) => ({ ...row, y: "1" })));
    await own.writeCsv("c.csv", [{ n: 1 }, { constructor: "x" }]);
    expect(await own.readCsv("c.csv")).toEqual([
      { n: 1, constructor: null },
      { n: null, constructor: "x" },
    ]);
    for (const key of ["constructor", "toString", "1960"]) {
      await own.write(`keyed-${key}`, [{ n: 1 }], Partition.of([[key, "Ferrari"]]));
      expect(await own.readIndex(`keyed-${key}`)).toEqual([{ n: 1, [key]: "Ferrari" }]);
    }
  });

  it("keep the order of a schema in the file, which objects do not", async () => {
    const own = new Storage(createMemoryBackend());
    const schema = ["country", "1961", "1960"].map((name) => ({ name, type: "string" as const }));
    await own.write("a", [{ 1960: "x", country: "FR" }], partition({ y: 1 }), { schema });
    const { schemas } = await own.inspect("a");
    expect(schemas[0]?.fields.map(({ name }) => name)).toEqual(["country", "1961", "1960"]);
  });

  it("that differ from a partition key only in case come back next to the key", async () => {
    const own = new Storage(createMemoryBackend());
    await own.write("t", [{ Year: 1999, n: 1 }], partition({ year: 2023 }));
    const schema = [{ name: "yEar", type: "int64" as const }];
    const replaced = { partition: partition({ year: 1 }), rows: [{ yEar: 1 }] };
    await own.replacePartitions("u", [replaced], { schema });
    await own.write("v", [{ year: 2024, n: 1 }], partition({ year: 2024 }));
    expect(await own.readIndex("t")).toEqual([{ Year: 1999, n: 1, year: "2023" }]);
    expect(await own.readIndex("u")).toEqual([{ yEar: 1, year: "1" }]);
    expect(await own.readIndex("v")).toEqual([{ n: 1, year: "2024" }]);
    await expect(own.write("t", [{ Year: 1, YEAR: 2 }], partition({ year: 2024 }))).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });
});

describe("values", () => {
  it("of text keep a byte order mark", async () => {
    expect((await read("mark")).map(({ v }) => v)).toEqual(["\uFEFFx", "\uFEFF", "x\uFEFF", null]);
    const own = new Storage(createMemoryBackend());
    const rows = [{ v: "\uFEFF", l: ["\uFEFFx"], s: { f: "\uFEFF\uFEFF" } }];
    await own.writeParquet("a.parquet", rows);
    expect(await own.readParquet("a.parquet")).toEqual(rows);
  });

  it("of DATE beyond what a Date holds are ISO 8601 strings", async () => {
    const expected = [new Date(0), "infinity", "-5877641-06-23", new Date(8.64e15), "+275760-09-14", null];
    expect(await read("dates")).toEqual(expected.map((d) => ({ d, l: [d] })));
  });

  it("of TIMESTAMP beyond what a Date holds are ISO 8601 strings with all digits", async () => {
    const [zero, most, least, none] = await read("timestamps");
    const epoch = new Date(0);
    expect(zero).toEqual({ ms: epoch, us: epoch, ns: epoch, s: { t: epoch } });
    expect(most).toEqual({
      ms: "+292278994-08-17T07:12:55.807Z",
      // DuckDB and PostgreSQL keep infinity in the largest tick.
      us: "infinity",
      ns: "infinity",
      s: { t: "infinity" },
    });
    expect(least).toEqual({
      ms: "-292275055-05-16T16:47:04.192Z",
      us: "-290308-12-21T19:59:05.224192Z",
      ns: "1677-09-21T00:12:43.145224192Z",
      s: { t: "-290308-12-21T19:59:05.224192Z" },
    });
    expect(none).toEqual({ ms: null, us: null, ns: null, s: { t: null } });
  });

  it("of DECIMAL beyond 38 digits keep every digit", async () => {
    expect(await read("decimals")).toEqual([
      { wide: `${"9".repeat(66)}.${"1".repeat(10)}`, whole: 10n ** 75n },
      { wide: "-0.0000000001", whole: -1 },
      { wide: null, whole: null },
    ]);
  });
});

describe("files without rows", () => {
  it.each(["empty-pyarrow", "empty-plain", "empty-pandas", "empty-columns"])("%s are read", async (name) => {
    expect(await read(name)).toEqual([]);
  });

  it("and row groups without rows are read", async () => {
    expect(await read("empty-group")).toEqual([{ a: 1 }, { a: 2 }]);
  });
});

describe("encrypted files", () => {
  const ENCRYPTED = { code: "not_supported", message: expect.stringContaining("encrypted") };

  it("are not supported, and the message says that they are encrypted", async () => {
    await refuse("encrypted-footer", ENCRYPTED);
    await refuse("encrypted-columns", ENCRYPTED);
    await refuse("encrypted-columns", ENCRYPTED, { columns: ["secret"] });
  });

  it("are left out by onUnreadable, and reported", async () => {
    const skipped: string[] = [];
    const rows = await storage.readIndex(
      "t",
      { file: ["encrypted-footer", "encrypted-columns", "empty-group"] },
      { onUnreadable: "skip", onSkippedFile: (error) => skipped.push(error.code) },
    );
    expect(rows.map(({ a }) => a)).toEqual([1, 2]);
    expect(skipped).toEqual(["not_supported", "not_supported"]);
    const { unreadable } = await storage.inspect("t");
    expect(unreadable).toMatchObject([ENCRYPTED]);
  });

  it("with a readable footer are read without their encrypted columns", async () => {
    expect(await read("encrypted-columns", { columns: ["open"] })).toEqual([{ open: 1 }, { open: 2 }]);
  });
});

/**
 * Encodes a file. With `claimed`, its footer describes the same values by another schema, as old and new writers do.
 */
function encode(
  schema: readonly SchemaElement[],
  columns: Readonly<Record<string, unknown[]>>,
  claimed: readonly SchemaElement[] = schema,
): Uint8Array {
  const writer = new ByteWriter();
  const root = { name: "root", num_children: Object.keys(columns).length };
  const file = new ParquetWriter({ writer, schema: [root, ...schema] });
  file.write({ columnData: Object.entries(columns).map(([name, data]) => ({ name, data })) });
  file.schema = [root, ...claimed];
  const paths = leafPaths([...claimed], root.num_children);
  for (const [i, { meta_data }] of (file.row_groups[0]?.columns ?? []).entries())
    if (meta_data !== undefined) meta_data.path_in_schema = paths[i] ?? [];
  file.finish();
  return new Uint8Array(writer.getBytes());
}

/** Takes the next elements of a schema, and returns the paths of their leaves. */
function leafPaths(schema: SchemaElement[], count: number): string[][] {
  const paths: string[][] = [];
  for (let i = 0; i < count; i++) {
    const { name = "", num_children = 0 } = schema.shift() ?? {};
    if (num_children === 0) paths.push([name]);
    else paths.push(...leafPaths(schema, num_children).map((path) => [name, ...path]));
  }
  return paths;
}

describe("types", () => {
  const OPTIONAL = { repetition_type: "OPTIONAL" } as const;
  const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
  const put = async (name: string, bytes: Uint8Array): Promise<void> => {
    await storage.backend.put(parseKey(pathOf(name)), bytes);
  };

  it.each<[string, Partial<SchemaElement>]>([
    ["both types", { converted_type: "ENUM", logical_type: { type: "ENUM" } }],
    ["only the old type", { converted_type: "ENUM" }],
    ["only the new type", { logical_type: { type: "ENUM" } }],
  ])("ENUM is text with %s, with and without a dictionary", async (_, types) => {
    for (const count of [1, 500]) {
      const one: SchemaElement = { name: "side", type: "BYTE_ARRAY", ...OPTIONAL, ...types };
      const sides = Array.from({ length: count }, (_, i) =>
        i % 3 === 2 ? null : utf8(i % 3 ? "AWAY" : "HOME"),
      );
      const bytes = encode(
        [
          one,
          { name: "list", num_children: 1, converted_type: "LIST", ...OPTIONAL },
          { name: "list", num_children: 1, repetition_type: "REPEATED" },
          { ...one, name: "element" },
        ],
        { side: sides, list: sides.map((side) => [side]) },
      );
      await put("enum", bytes);
      const texts = sides.map((side) => side && new TextDecoder().decode(side));
      expect(await read("enum")).toEqual(texts.map((side) => ({ side, list: [side] })));
      await storage.delete([pathOf("enum")]);
    }
  });

  it("that only the newer logical types describe are read like those with both", async () => {
    const day = 19_782;
    const leaves: readonly [string, Omit<SchemaElement, "name">, unknown, unknown][] = [
      ["string", { type: "BYTE_ARRAY", logical_type: { type: "STRING" } }, "é", "é"],
      ["json", { type: "BYTE_ARRAY", logical_type: { type: "JSON" } }, utf8('{"a":1}'), { a: 1 }],
      ["bson", { type: "BYTE_ARRAY", logical_type: { type: "BSON" } }, utf8("x"), utf8("x")],
      ["date", { type: "INT32", logical_type: { type: "DATE" } }, day, new Date("2024-02-29")],
      [
        "decimal",
        { type: "INT64", logical_type: { type: "DECIMAL", precision: 18, scale: 2 } },
        12_345n,
        "123.45",
      ],
      [
        "clock",
        { type: "INT32", logical_type: { type: "TIME", isAdjustedToUTC: false, unit: "MILLIS" } },
        1001,
        "00:00:01.001",
      ],
      [
        "instant",
        { type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" } },
        1_000_001n,
        "1970-01-01T00:00:01.000001Z",
      ],
      ["uint8", { type: "INT32", logical_type: { type: "INTEGER", bitWidth: 8, isSigned: false } }, 255, 255],
      [
        "uint32",
        { type: "INT32", logical_type: { type: "INTEGER", bitWidth: 32, isSigned: false } },
        2 ** 32 - 1,
        2 ** 32 - 1,
      ],
    ];
    const schema = leaves.map(([name, element]): SchemaElement => ({ name, ...element, ...OPTIONAL }));
    const groups = (isNew: boolean): SchemaElement[] => [
      {
        name: "list",
        num_children: 1,
        ...OPTIONAL,
        ...(isNew ? { logical_type: { type: "LIST" } } : { converted_type: "LIST" }),
      },
      { name: "list", num_children: 1, repetition_type: "REPEATED" },
      { name: "element", type: "INT32", logical_type: { type: "DATE" }, ...OPTIONAL },
      {
        name: "map",
        num_children: 1,
        ...OPTIONAL,
        ...(isNew ? { logical_type: { type: "MAP" } } : { converted_type: "MAP" }),
      },
      { name: "key_value", num_children: 2, repetition_type: "REPEATED" },
      { name: "key", type: "INT32", repetition_type: "REQUIRED" },
      { name: "value", type: "INT32", logical_type: { type: "DATE" }, ...OPTIONAL },
    ];
    const bytes = encode(
      [...schema, ...groups(false)],
      {
        ...Object.fromEntries(leaves.map(([name, , written]) => [name, [written, null]])),
        list: [[day, null], null],
        map: [new Map([[1, day]]), null],
      },
      [...schema, ...groups(true)],
    );
    await put("logical", bytes);
    const names = leaves.map(([name]) => name);
    expect(await read("logical")).toEqual([
      {
        ...Object.fromEntries(leaves.map(([name, , , found]) => [name, found])),
        list: [new Date("2024-02-29"), null],
        map: [pair(1, new Date("2024-02-29"))],
      },
      { ...Object.fromEntries(names.map((name) => [name, null])), list: null, map: null },
    ]);
    const { schemas } = await (await only("logical")).inspect("t");
    const types = schemas
      .flatMap(({ fields }) => fields)
      .filter(({ name }) => ["decimal", "date", "list"].includes(name))
      .map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(["decimal(18, 2)", "date", "list<date>"]));
  });
});

describe("lists and maps of old writers", () => {
  const REPEATED = { repetition_type: "REPEATED" } as const;
  const OPTIONAL = { repetition_type: "OPTIONAL" } as const;
  const REQUIRED = { repetition_type: "REQUIRED" } as const;
  const l: SchemaElement = { name: "l", num_children: 1, ...OPTIONAL, converted_type: "LIST" };
  const m: SchemaElement = { name: "l", num_children: 1, ...OPTIONAL, converted_type: "MAP" };
  const x: SchemaElement = { name: "x", type: "INT32", ...OPTIONAL };
  const group = (name: string, num_children: number): SchemaElement => ({ name, num_children, ...REPEATED });
  /** A list or map as the writer takes it. */
  const list = (element: object): SchemaElement[] => [
    l,
    group("list", 1),
    { ...x, name: "element", ...element },
  ];
  const map: SchemaElement[] = [
    m,
    group("key_value", 2),
    { ...x, name: "key", ...REQUIRED },
    { ...x, name: "value" },
  ];
  const pairs = [
    new Map([
      [1, 2],
      [3, null],
    ]),
    new Map(),
    null,
  ];
  const items = [[1, 2], [], null];

  it.each<[string, SchemaElement[], unknown[], SchemaElement[], unknown[]]>([
    [
      "a list that repeats a group of two fields",
      map,
      pairs,
      [l, group("bag", 2), { ...x, ...REQUIRED }, { ...x, name: "y" }],
      [
        [
          { x: 1, y: 2 },
          { x: 3, y: null },
        ],
        [],
        null,
      ],
    ],
    [
      "a list that repeats a group called array",
      list({}),
      [[1, null], [], null],
      [l, group("array", 1), x],
      [[{ x: 1 }, { x: null }], [], null],
    ],
    [
      "a list that repeats a group called like itself and _tuple",
      list({}),
      items,
      [l, group("l_tuple", 1), x],
      [[{ x: 1 }, { x: 2 }], [], null],
    ],
    [
      "a list that repeats a value",
      list(REQUIRED),
      items,
      [l, { name: "array", type: "INT32", ...REPEATED }],
      items,
    ],
    [
      "a map called MAP_KEY_VALUE",
      map,
      pairs,
      [
        { ...m, converted_type: "MAP_KEY_VALUE" },
        group("map", 2),
        { ...x, ...REQUIRED },
        { ...x, name: "y" },
      ],
      [[pair(1, 2), pair(3, null)], [], null],
    ],
    [
      "a group that is repeated without a list",
      map,
      pairs,
      [
        { name: "l", num_children: 1, ...OPTIONAL },
        group("many", 2),
        { ...x, ...REQUIRED },
        { ...x, name: "y" },
      ],
      [
        {
          many: [
            { x: 1, y: 2 },
            { x: 3, y: null },
          ],
        },
        { many: [] },
        null,
      ],
    ],
  ])("%s is read", async (_, schema, written, claimed, found) => {
    const own = new Storage(createMemoryBackend());
    await own.backend.put(parseKey("a.parquet"), encode(schema, { l: written }, claimed));
    expect(await own.readParquet("a.parquet")).toEqual(found.map((l) => ({ l })));
  });
});

describe("limits", () => {
  it("are named by the message of a file that exceeds them, and can be raised", async () => {
    const own = new Storage(createMemoryBackend());
    const rows = Array.from({ length: 100 }, (_, i) => ({ i, text: `t${i}` }));
    await own.write("t", rows, partition({ y: 1 }));
    const [path = ""] = (await own.listFiles()).filter((file) => file.endsWith(".parquet"));
    const few = {
      maxValues: 299,
      maxDecodedBytes: 10,
      maxPageValues: 99,
      maxPageBytes: 10,
      maxColumns: 2,
      maxFooterBytes: 8,
    };
    for (const [limit, most] of Object.entries(few)) {
      const error = {
        code: "corrupt",
        message: expect.stringMatching(
          new RegExp(`more than the limit ${limit} of ${most}.*limits: \\{ ${limit}: \\d+ \\}`),
        ),
      };
      const limits = { [limit]: most };
      await expect(own.readParquet(path, { limits })).rejects.toMatchObject(error);
      await expect(inThread(own).readParquet(path, { limits, untrusted: true })).rejects.toMatchObject(error);
      await expect(own.readIndex("t", {}, { limits })).rejects.toMatchObject(error);
    }
    const enough = { maxValues: 300, maxPageValues: 100, maxColumns: 3 };
    expect(await own.readParquet(path, { limits: enough })).toEqual(rows);
    await expect(read("decimals", { limits: { maxDecimalDigits: 75 } })).rejects.toThrow(
      "maxDecimalDigits: 76",
    );
  });
});

describe("NaN", () => {
  it("leaves a column chunk without least and greatest value, nested too, and other chunks with them", async () => {
    const own = new Storage(createMemoryBackend());
    const nan = Number.NaN;
    const rows = [
      { v: 1.5, sure: 1.5, list: [1, nan], struct: { x: nan, y: 1.5 }, all: nan },
      { v: nan, sure: 3, list: [], struct: { x: 1, y: 2 }, all: nan },
      { v: null, sure: null, list: null, struct: null, all: null },
    ];
    await own.writeParquet("a.parquet", rows);
    expect(await own.readParquet("a.parquet")).toEqual(rows);
    async function* batches(): AsyncGenerator<Row[]> {
      yield rows;
    }
    const double = "double" as const;
    const fields = ["x", "y"].map((name) => ({ name, type: double }));
    await own.writeParquet("b.parquet", batches(), {
      schema: [
        { name: "v", type: double },
        { name: "sure", type: double },
        { name: "list", type: { list: double } },
        { name: "struct", type: { struct: fields } },
        { name: "all", type: double },
      ],
    });
    const folder = await mkdtemp(join(tmpdir(), "parquetry-nan-"));
    try {
      const connection = await (await DuckDBInstance.create(":memory:")).connect();
      for (const name of ["a", "b"]) {
        const { body } = await own.backend.get(parseKey(`${name}.parquet`));
        const file = join(folder, `${name}.parquet`);
        await writeFile(file, await body.bytes());
        const bounds = await connection.runAndReadAll(
          `SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count::INT FROM parquet_metadata('${file}')`,
        );
        expect(bounds.getRowsJS()).toEqual([
          ["v", null, null, 1],
          ["sure", "1.5", "3.0", 1],
          ["list, list, element", null, null, 2],
          ["struct, x", null, null, 1],
          ["struct, y", "1.5", "2.0", 1],
          ["all", null, null, 1],
        ]);
        for (const [where, count] of [
          ["v > 4", 1],
          ["v = 'NaN'::DOUBLE", 1],
          ["v <> 1.5", 1],
          ["NOT (v <= 1.5)", 1],
          ["struct.x > 1", 1],
          ["list[2] > 1", 1],
          ["all >= 0", 2],
        ] as const) {
          const reader = await connection.runAndReadAll(
            `SELECT count(*)::INT FROM '${file}' WHERE ${where.replace("all", '"all"')}`,
          );
          expect(reader.getRowsJS(), where).toEqual([[count]]);
        }
      }
      connection.closeSync();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
