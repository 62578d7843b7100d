import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, isStorageError, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

let folder: string;
let db: QueryDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-values-"));
  db = await openQuery(new Storage(createMemoryBackend()), { cacheDirectory: folder });
});

afterAll(async () => {
  await db?.close();
  await rm(folder, { recursive: true, force: true });
});

const one = async (expression: string, parameters?: Parameters<QueryDatabase["sql"]>[1]): Promise<unknown> =>
  Object.values((await db.sql(`SELECT ${expression}`, parameters)).rows[0] ?? {})[0];

describe("result values", () => {
  it.each<[string, unknown]>([
    ["true", true],
    ["5::TINYINT", 5],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["9007199254740992", 9007199254740992n],
    ["170141183460469231731687303715884105727", 2n ** 127n - 1n],
    ["sum(x) FROM range(3) t(x)", 3],
    ["1.50::DECIMAL(5, 2)", 1.5],
    ["123456789012.345::DECIMAL(15, 3)", 123456789012.345],
    ["12345678901234567890.12::DECIMAL(22, 2)", "12345678901234567890.12"],
    ["'NaN'::DOUBLE", Number.NaN],
    ["'x'::VARCHAR", "x"],
    ["DATE '2024-02-29'", new Date("2024-02-29T00:00:00Z")],
    ["TIMESTAMP '2024-01-01 00:00:00.123'", new Date("2024-01-01T00:00:00.123Z")],
    ["TIMESTAMP '1969-12-31 23:59:59.999'", new Date(-1)],
    ["TIMESTAMP '2024-01-01 00:00:00.123999'", "2024-01-01T00:00:00.123999Z"],
    ["TIMESTAMP '1969-12-31 23:59:59.999999'", "1969-12-31T23:59:59.999999Z"],
    ["TIMESTAMP '290000-01-01 00:00:00'", "+290000-01-01T00:00:00.000Z"],
    ["TIMESTAMPTZ '290000-01-01 00:00:00.5+00'", "+290000-01-01T00:00:00.500Z"],
    ["'1600-01-01 00:00:00'::TIMESTAMP_S", new Date("1600-01-01T00:00:00Z")],
    ["DATE '290000-01-01'", "+290000-01-01"],
    ["DATE '-infinity'", "-infinity"],
    ["TIMESTAMPTZ '-infinity'", "-infinity"],
    ["(2::BIGINT ** 60)::DECIMAL(38, 0)", 2n ** 60n],
    ["12::DECIMAL(38, 0)", 12],
    ["12.5::DECIMAL(38, 2)", "12.50"],
    ["sum(x) FROM (VALUES (0.1::DECIMAL(9, 2)), (0.2)) t(x)", "0.30"],
    ["-0.0000000000000000000000000000000001::DECIMAL(38, 34)", `-0.${"0".repeat(33)}1`],
    ["-0.5::DECIMAL(3, 2)", -0.5],
    ["['12345678901234567890.12'::DECIMAL(22, 2)]", ["12345678901234567890.12"]],
    ["'A longer text: ' || 'é🏈'", "A longer text: é🏈"],
    ["'é🏈'", "é🏈"],
    ["'a'::ENUM('b', 'a')", "a"],
    ["[[1, 2], NULL, []]", [[1, 2], null, []]],
    ["[{'a': 'x'}, NULL]", [{ a: "x" }, null]],
    ["[1, 2]::INTEGER[2]", [1, 2]],
    ["MAP {[1]: 'a'}", [{ key: [1], value: "a" }]],
    ["union_value(a := 5::BIGINT)", 5],
    ["'101'::BIT", "101"],
    ["INTERVAL 90 MINUTE", "01:30:00"],
    ["TIMESTAMPTZ '2024-01-01 00:00:00+02'", new Date("2023-12-31T22:00:00Z")],
    ["TIMESTAMP 'infinity'", "infinity"],
    ["[1, NULL]", [1, null]],
    ["{'a': 1, 'b': [9007199254740993]}", { a: 1, b: [9007199254740993n] }],
    ["MAP {'k': 1}", [{ key: "k", value: 1 }]],
    ["'\\x00\\xFF'::BLOB", new Uint8Array([0, 255])],
    ["TIME '10:00:00.5'", "10:00:00.5"],
    ["'{\"a\": 1}'::JSON", '{"a": 1}'],
    ["NULL", null],
    ["'00000000-0000-0000-0000-000000000001'::UUID", "00000000-0000-0000-0000-000000000001"],
  ])("converts %s", async (expression, expected) => expect(await one(expression)).toEqual(expected));

  it("keeps every digit of a timestamp as a string", async () => {
    const { rows } = await db.sql(
      "SELECT TIMESTAMP '1969-12-31 23:59:59.000001' AS a, TIMESTAMPTZ '2024-01-01 00:00:00.123456+00' AS b, '2024-01-01 00:00:00.000000001'::TIMESTAMP_NS AS c",
      [],
      { timestamps: "text" },
    );
    expect(rows).toEqual([
      {
        a: "1969-12-31T23:59:59.000001",
        b: "2024-01-01T00:00:00.123456Z",
        c: "2024-01-01T00:00:00.000000001",
      },
    ]);
  });

  it("drops the digits below the millisecond on request, towards the past", async () => {
    const { rows } = await db.sql(
      "SELECT TIMESTAMP '1969-12-31 23:59:59.999999' AS a, '2024-01-01 00:00:00.000000001'::TIMESTAMP_NS AS b, TIMESTAMP '290000-01-01' AS c",
      [],
      { timestamps: "date" },
    );
    expect(rows).toEqual([
      { a: new Date(-1), b: new Date("2024-01-01T00:00:00Z"), c: "+290000-01-01T00:00:00.000Z" },
    ]);
  });

  it("returns parameters unchanged", async () => {
    for (const value of [
      null,
      true,
      0,
      -5,
      1.25,
      2 ** 40,
      2n ** 70n,
      "it's\0x",
      "",
      "🏈",
      new Date(1_234_567_890_123),
      new Uint8Array([1, 0]),
      [1, 2],
      [["a"], []],
      { a: 1, "b c": null },
    ]) {
      expect(await one("$p", { p: value })).toEqual(value);
    }
    expect(await one("?::INTEGER + ?", [1, 2])).toBe(3);
    expect(
      await one("x FROM range(5) t(x) WHERE x IN $list ORDER BY x DESC LIMIT $n", { list: [2, 3], n: 1 }),
    ).toBe(3);
    expect(Object.is(await one("$p", { p: -0 }), -0)).toBe(true);
  });

  it("returns long lists of one type as they are", async () => {
    const days = Array.from({ length: 300 }, (_, i) => new Date(Date.UTC(1969, 0, i) + i));
    const lists = [
      days.map((_, i) => i % 3 === 0),
      [...days, null],
      [null, new Date("0001-01-01T00:00:00.001Z"), new Date("9999-12-31T23:59:59.999Z"), ...days],
      [new Date("+010000-01-01T00:00:00Z"), new Date("-000001-01-01T00:00:00Z"), ...days],
    ];
    for (const list of lists) expect(await one("$p", { p: list })).toEqual(list);
    expect(
      await one("count(*) FROM range(9) WHERE TIMESTAMP '1969-01-02 00:00:00.002' IN $p", { p: days }),
    ).toBe(9);
  });

  it("numbers columns of the same name, and returns a column named __proto__", async () => {
    const { rows } = await db.sql('SELECT 1 AS a, 2 AS a, 3 AS "__proto__"');
    expect(Object.entries(rows[0] ?? {})).toEqual([
      ["a", 1],
      ["a:1", 2],
      ["__proto__", 3],
    ]);
  });
});

describe("streams and signals", () => {
  it("yields batches in order, and frees the result when the loop is left", async () => {
    let seen = 0;
    for await (const rows of db.stream("SELECT range AS i FROM range(10000)")) {
      for (const row of rows) expect(row["i"]).toBe(seen++);
    }
    expect(seen).toBe(10_000);
    for await (const rows of db.stream("FROM range(10000)")) {
      expect(rows.length).toBeLessThan(10_000);
      break;
    }
    expect((await db.sql("SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
  });

  it("fails instead of ending early", async () => {
    const read = async (): Promise<void> => {
      for await (const _ of db.stream("SELECT 1 / 0, CAST('x' || range AS INTEGER) FROM range(10000)"));
    };
    await expect(read()).rejects.toThrow(/Conversion Error/);
  });

  const ENDLESS =
    "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range) = hash(b.range + 7)";

  it("interrupts a query at the signal and after the timeout, and runs the next one", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    await expect(db.sql(ENDLESS, [], { signal: controller.signal })).rejects.toSatisfy((e) =>
      isStorageError(e, "aborted"),
    );
    await expect(db.sql("SELECT 1", [], { signal: AbortSignal.abort() })).rejects.toSatisfy((e) =>
      isStorageError(e, "aborted"),
    );
    await expect(db.sql(ENDLESS, [], { timeoutMs: 50 })).rejects.toSatisfy((e) =>
      isStorageError(e, "timeout"),
    );
    expect((await db.sql("SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
  });

  it("runs queries concurrently", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => one("sum(range) + ? FROM range(1000)", [i])),
    );
    expect(answers).toEqual(answers.map((_, i) => 499_500 + i));
  });
});
