import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createMemoryBackend, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

const PYTHON = process.env["PARQUETRY_PYTHON"] ?? "python3";
const run = promisify(execFile);

/** Columns of every type: their expressions, their Arrow types as pyarrow prints them, and casts for what CASE cannot return. */
const COLUMNS = {
  boolean: ["i % 3 = 0", "bool"],
  tinyint: ["(i % 256 - 128)::TINYINT", "int8"],
  smallint: ["(i * 13 % 65536 - 32768)::SMALLINT", "int16"],
  integer: ["(i * 429496 - 2147483648)::INTEGER", "int32"],
  bigint: ["(i * 1844674407370955::HUGEINT - 9223372036854775808)::BIGINT", "int64"],
  utinyint: ["(i % 256)::UTINYINT", "uint8"],
  usmallint: ["(i * 13 % 65536)::USMALLINT", "uint16"],
  uinteger: ["(4294967295 - i)::UINTEGER", "uint32"],
  ubigint: ["(18446744073709551615 - i)::UBIGINT", "uint64"],
  hugeint: [
    "CASE WHEN i % 2 = 0 THEN 170141183460469231731687303715884105727 - i ELSE i - 170141183460469231731687303715884105727 END",
    "decimal128(38, 0)",
  ],
  uhugeint: ["(340282366920938463463374607431768211455::UHUGEINT - i::UHUGEINT)", "decimal256(39, 0)"],
  float: ["(i / 7)::FLOAT", "float"],
  double: ["CASE WHEN i % 5 = 0 THEN 'infinity'::DOUBLE ELSE -i / 7 END", "double"],
  decimal4: ["((i % 9999 - 5000) / 10)::DECIMAL(4, 1)", "decimal128(4, 1)"],
  decimal9: ["(0.01 - i)::DECIMAL(9, 2)", "decimal128(9, 2)"],
  decimal18: ["(i * 12345678.123 - 1e10)::DECIMAL(18, 3)", "decimal128(18, 3)"],
  decimal38: ["(i - 1234567890123456789012345678.0123456789)::DECIMAL(38, 10)", "decimal128(38, 10)"],
  date: ["DATE '1677-01-01' + i::INTEGER * 40", "date32[day]"],
  time: ["TIME '00:00:00.000001' + to_microseconds(i * 10000001)", "time64[us]"],
  seconds: ["(TIMESTAMP '1900-01-01' + to_seconds(i * 1000003))::TIMESTAMP_S", "timestamp[s]"],
  millis: ["(TIMESTAMP '1900-01-01' + to_milliseconds(i * 1000003))::TIMESTAMP_MS", "timestamp[ms]"],
  micros: ["TIMESTAMP '1900-01-01' + to_microseconds(i * 1000003)", "timestamp[us]"],
  nanos: ["make_timestamp_ns(i * 1000003 - 5000)", "timestamp[ns]"],
  instant: ["TIMESTAMPTZ '1900-01-01 00:00:00+00' + to_microseconds(i * 1000003)", "timestamp[us, tz=UTC]"],
  text: ["repeat('Ä€😀x', (i % 9)::INTEGER)", "string"],
  blob: ["encode(repeat('ab', (i % 20)::INTEGER))", "binary"],
  uuid: ["md5(i::VARCHAR)::UUID", "string"],
  interval: ["to_days((i % 40)::INTEGER) + to_microseconds(i)", "string"],
  enum: [
    "(['Owls', 'Hawks', ''])[1 + i % 3]::ENUM('', 'Owls', 'Hawks')",
    "dictionary<values=string, indices=uint8, ordered=0>",
  ],
  list: ["range(i % 5)", "list<item: int64>"],
  shared: ["[1::TINYINT, NULL, 3]", "list<item: int8>"],
  texts: ["list_transform(range(i % 4), lambda x: repeat('long text ', x::INTEGER))", "list<item: string>"],
  lists: ["[range(i % 3), NULL, []]", "list<item: list<item: int64>>"],
  array: ["[i, i + 1]", "list<item: int32>", "::INTEGER[2]"],
  struct: [
    "{ 'a': i, 'b': CASE WHEN i % 2 = 0 THEN 'even' END, 'c': { 'd': [i] } }",
    "struct<a: int64, b: string, c: struct<d: list<item: int64>>>",
  ],
  structs: [
    "[{ 'price': (i / 10)::DECIMAL(9, 1), 'on': DATE '2024-01-01' }]",
    "list<item: struct<price: decimal128(9, 1), on: date32[day]>>",
  ],
} as const satisfies Record<string, readonly [sql: string, type: string, cast?: string]>;
/** Types that DuckDB writes to Parquet as others, or not exactly. */
const AS_TEXT = ["hugeint", "uhugeint", "uuid", "interval"];

const SQL = `SELECT ${Object.entries(COLUMNS)
  .map(
    ([name, [sql, , cast = ""]], c) =>
      `(CASE WHEN i % 11 = ${c % 11} THEN NULL ELSE ${sql} END)${cast} AS "${name}"`,
  )
  .join(", ")} FROM range(10000) t(i)`;

/** Reads an IPC file and a Parquet file, and prints the types of the first one and where they differ. */
const COMPARE = `
import json, sys, pyarrow as pa, pyarrow.parquet as pq
ipc = pa.ipc.open_file(sys.argv[1]).read_all()
ipc.validate(full=False)
parquet = pq.read_table(sys.argv[2])
problems = []
for name in ipc.column_names:
    own, other = ipc.column(name).combine_chunks(), parquet.column(name).combine_chunks()
    if pa.types.is_timestamp(other.type):
        own, other = own.cast(other.type).cast(pa.int64()), other.cast(pa.int64())
    own, other = own.to_pylist(), other.to_pylist()
    if name in ${JSON.stringify(AS_TEXT)}:
        own = [None if value is None else str(value) for value in own]
    for row, (a, b) in enumerate(zip(own, other, strict=True)):
        if a != b:
            problems.append([name, row, str(a), str(b)])
            break
print(json.dumps({"types": {name: str(ipc.schema.field(name).type) for name in ipc.column_names}, "rows": len(ipc), "problems": problems}))
`;

let folder: string;
const storage = new Storage(createMemoryBackend());
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-arrow-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const opened = (isolate: boolean): Promise<QueryDatabase> =>
  openQuery(storage, { trusted: true, isolate, cacheDirectory: join(folder, "cache") });

describe.each([true, false])("arrow with isolate: %s", (isolate) => {
  it("returns values of every type that pyarrow reads as those of DuckDB's Parquet file", async ({
    skip,
  }) => {
    try {
      await run(PYTHON, ["-c", "import pyarrow.parquet"]);
    } catch {
      skip(`no pyarrow in ${PYTHON}; set PARQUETRY_PYTHON`);
    }
    await using db = await opened(isolate);
    const { table, toIpc, stats } = await db.arrow(SQL);
    expect([table.numRows, stats.rowCount]).toEqual([10_000, 10_000]);
    const ipc = join(folder, "own.arrow");
    await writeFile(ipc, toIpc());
    const replaced = AS_TEXT.map((name) => `"${name}"::VARCHAR AS "${name}"`);
    // pyarrow refuses a file in which DuckDB has written NULL as an ARRAY.
    replaced.push('"array"::INTEGER[] AS "array"');
    const { path } = await db.toParquet(`SELECT * REPLACE (${replaced.join(", ")}) FROM (${SQL})`);
    const { stdout } = await run(PYTHON, ["-c", COMPARE, ipc, path]);
    expect(JSON.parse(stdout)).toEqual({
      types: Object.fromEntries(Object.entries(COLUMNS).map(([name, [, type]]) => [name, type])),
      rows: 10_000,
      problems: [],
    });
  });

  it("returns typed arrays, and bigints where a number is not exact", async () => {
    await using db = await opened(isolate);
    const { table } = await db.arrow(
      "SELECT i::INTEGER AS n, i + 9007199254740993 AS big FROM range(3) t(i)",
    );
    expect(table.getChild("n")?.toArray()).toEqual(Int32Array.of(0, 1, 2));
    expect(table.getChild("big")?.at(0)).toBe(9007199254740993n);
  });

  it("returns lists that several rows share in DuckDB's memory", async () => {
    await using db = await opened(isolate);
    const item =
      "{ 'text': 'longer than twelve bytes', 'flags': [true, NULL], 'price': 1.5::DECIMAL(3, 1), 'id': 'a'::BLOB }";
    const { table } = await db.arrow(
      `SELECT [${item}, NULL] AS shared, map { 'k': ['v', NULL] } AS pairs FROM range(3)`,
    );
    const shared = [
      { text: "longer than twelve bytes", flags: [true, null], price: 15n, id: new Uint8Array([97]) },
      null,
    ];
    const row = { shared, pairs: [{ key: "k", value: ["v", null] }] };
    expect(table.toArray()).toEqual([row, row, row]);
  });

  it("returns the columns and their types where there are no rows", async () => {
    await using db = await opened(isolate);
    const { table } = await db.arrow(`FROM (${SQL}) LIMIT 0`);
    expect([table.names, table.numRows]).toEqual([Object.keys(COLUMNS), 0]);
    expect((await db.sql("SELECT 1 AS one LIMIT 0")).rows).toEqual([]);
  });

  it("rejects a UNION and a result above maxBytes with invalid_argument", async () => {
    await using db = await opened(isolate);
    await expect(db.arrow("SELECT union_value(a := [1]) AS pair")).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining('"pair"'),
    });
    await expect(db.arrow("FROM range(100)", [], { maxBytes: 100 })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });
});
