import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, parseKey, Storage } from "@parquetry/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

const KEY = parseKey("raw/values/k=1/a.parquet");
const INT64_MAX = 2n ** 63n - 1n;

let folder: string;
let writer: QueryDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-same-"));
  writer = await openQuery(new Storage(createMemoryBackend()), { cacheDirectory: folder, isolate: false });
});

afterAll(async () => {
  await writer?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Ticks around now, around the ends of what a Date holds, and anywhere in the type. */
const ticks = (perMs: bigint): fc.Arbitrary<bigint> => {
  const ends = [-8_640_000_000_000_000n, 0n, 8_640_000_000_000_000n].map((ms) => ms * perMs);
  return fc
    .oneof(
      fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
      fc.tuple(fc.constantFrom(...ends), fc.bigInt({ min: -3000n, max: 3000n })).map(([end, by]) => end + by),
    )
    .filter((tick) => tick > -INT64_MAX && tick < INT64_MAX);
};
const decimal = fc
  .tuple(
    fc.integer({ min: 1, max: 38 }),
    fc.nat(38),
    fc.bigInt({ min: 0n, max: 10n ** 38n - 1n }),
    fc.boolean(),
  )
  .map(([precision, scale, digits, isNegative]) => {
    const s = Math.min(precision, scale);
    const text = String(digits % 10n ** BigInt(precision)).padStart(s + 1, "0");
    const point = s === 0 ? text : `${text.slice(0, -s)}.${text.slice(-s)}`;
    return `'${isNegative ? "-" : ""}${point}'::DECIMAL(${precision}, ${s})`;
  });
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 30 }), fc.string({ maxLength: 14 }));
const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const expression = fc.oneof(
  decimal,
  ticks(1000n).map((tick) => `make_timestamp(${tick})`),
  ticks(1000n).map((tick) => `make_timestamp(${tick})::TIMESTAMPTZ`),
  ticks(1_000_000n).map((tick) => `make_timestamp_ns(${tick})`),
  fc.integer({ min: -100_000_000, max: 100_000_000 }).map((days) => `DATE '1970-01-01' + (${days})`),
  fc.constantFrom("TIMESTAMP 'infinity'", "TIMESTAMPTZ '-infinity'", "DATE 'infinity'", "DATE '-infinity'"),
  fc.bigInt({ min: -(2n ** 63n), max: INT64_MAX }).map((value) => `'${value}'::BIGINT`),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => `'${value}'::UBIGINT`),
  fc.nat(86_399_999_999).map((micros) => `TIME '00:00:00' + to_microseconds(${micros})`),
  text.filter((value) => !value.includes("\0")).map((value) => quoted(value)),
  fc.constantFrom("true", "1.5::FLOAT", "'NaN'::DOUBLE", "-0.0::DOUBLE", "'\\x00\\xFF'::BLOB", "uuid()"),
);

describe("a value", () => {
  it("is the same in readParquet, readIndex, sql and columns, alone and nested, in this process and in another", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(expression, { minLength: 1, maxLength: 12 }), async (expressions) => {
        const columns = expressions.flatMap((value, i) => [
          `${value} AS v${i}`,
          `[NULL, ${value}, ${value}] AS l${i}`,
          `{'a': ${value}, 'b': [{'c': ${value}}]} AS s${i}`,
        ]);
        const { path } = await writer.toParquet(
          `SELECT ${columns.join(", ")} UNION ALL SELECT ${columns.map(() => "NULL").join(", ")}`,
        );
        const storage = new Storage(createMemoryBackend());
        await storage.backend.put(KEY, await readFile(path));
        const rows = await storage.readParquet(KEY);
        expect(await storage.readIndex("raw/values", { k: "1" })).toEqual(
          rows.map((row) => ({ ...row, k: "1" })),
        );
        for (const isolate of [true, false]) {
          await using db = await openQuery(storage, { cacheDirectory: folder, isolate });
          const sql = 'SELECT * EXCLUDE k FROM "raw/values"';
          expect((await db.sql(sql)).rows).toEqual(rows);
          const { data } = await db.columns(sql);
          expect(data).toEqual(
            Object.fromEntries(Object.keys(data).map((name) => [name, rows.map((row) => row[name])])),
          );
        }
      }),
      { numRuns: 8 },
    );
  });
});
