import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createMemoryBackend,
  HIVE_NULL,
  isStorageError,
  Partition,
  partition,
  type Row,
  Storage,
} from "../src/index.ts";
import { inferColumns, typeName } from "../src/unstable-tables.ts";

const value = fc.option(
  fc.oneof(
    fc.constantFrom("1", "10", "Texas A&M", "Hawai'i", "a=b", "a/b", "", "%20", "é"),
    fc.string({ unit: "binary", maxLength: 8 }).filter((text) => text !== HIVE_NULL),
  ),
  { freq: 8 },
);

describe("filters", () => {
  const place = fc.tuple(value, value, value);
  const wanted = fc.option(fc.oneof(value, fc.array(value, { maxLength: 3 })), { nil: undefined, freq: 2 });

  it("return exactly the matching rows, for any subset of the keys in any order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(place, {
          minLength: 1,
          maxLength: 12,
          selector: (values) => JSON.stringify(values.map((text) => text?.normalize("NFC") ?? null)),
        }),
        fc.record({ a: wanted, b: wanted, c: wanted }),
        fc.boolean(),
        async (places, filters, reversed) => {
          const storage = new Storage(createMemoryBackend());
          for (const [i, [a, b, c]] of places.entries())
            await storage.write("raw/x", [{ i }], Partition.of(Object.entries({ a, b, c })));
          const given = Object.entries(filters).flatMap(([key, of]) =>
            of === undefined ? [] : [[key, of] as const],
          );
          const rows = await storage.readIndex(
            "raw/x",
            Object.fromEntries(reversed ? given.reverse() : given),
          );
          const composed = (text: string | null | undefined): string | null => text?.normalize("NFC") ?? null;
          const expected = places.flatMap(([a, b, c], i) => {
            const at: Readonly<Record<string, string | null>> = { a, b, c };
            const matches = given.every(([key, of]) =>
              (Array.isArray(of) ? of : [of]).some((one) => composed(one) === composed(at[key])),
            );
            return matches ? [{ i, a, b, c }] : [];
          });
          const byId = (x: Row, y: Row): number => Number(x["i"]) - Number(y["i"]);
          expect([...rows].sort(byId)).toEqual(expected);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("the schema of an entity", () => {
  const cell = fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: fc.integer() },
    { weight: 2, arbitrary: fc.constantFrom(0.5, -1.25, 1e300) },
    { weight: 2, arbitrary: fc.string({ maxLength: 4 }) },
    { weight: 1, arbitrary: fc.boolean() },
    { weight: 2, arbitrary: fc.array(fc.option(fc.integer()), { maxLength: 2 }) },
    {
      weight: 2,
      arbitrary: fc.record(
        { x: fc.option(fc.integer()), y: fc.option(fc.string({ maxLength: 2 })) },
        { requiredKeys: [] },
      ),
    },
  );
  const rows = fc.array(
    fc.dictionary(fc.constantFrom("p", "q", "r"), cell, { maxKeys: 3, noNullPrototype: true }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );

  it("is the same in every written partition, changes no value, and is not changed by a refused write", async () => {
    let taken = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { minLength: 2, maxLength: 5 }), async (partitions) => {
        const storage = new Storage(createMemoryBackend());
        const stored = new Map<string, readonly Row[]>();
        for (const [i, given] of partitions.entries()) {
          try {
            await storage.write("raw/x", given, partition({ i }));
            stored.set(String(i), given);
            taken++;
          } catch (error) {
            if (!isStorageError(error, "invalid_argument")) throw error;
            refused++;
          }
        }
        if (stored.size === 0) return;
        // Each column has one type in all partitions, or is all null.
        const types = new Map<string, Set<string>>();
        for (const { fields } of (await storage.inspect("raw/x")).schemas) {
          for (const { name, type } of fields)
            if (type !== "null") types.set(name, (types.get(name) ?? new Set()).add(type));
        }
        // Lists and structs gain elements and fields that were null before; their values are compared below.
        for (const [name, found] of types)
          if (![...found].some((type) => type.includes("<"))) expect([...found], name).toHaveLength(1);
        for (const [i, given] of stored) {
          const back = await storage.readIndex("raw/x", { i });
          expect(back.map((row) => compact(row, ["i"]))).toEqual(given.map((row) => compact(row)));
        }
      }),
      { numRuns: 200 },
    );
    expect(taken).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(20);
  });

  it("is inferred independently of the order of the rows", async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const found = async (of: readonly Row[]): Promise<unknown> => {
          try {
            return new Map((await inferColumns(of)).map(({ name, type }) => [name, typeName(type)]));
          } catch (error) {
            return isStorageError(error) ? error.code : error;
          }
        };
        const [forth, back] = [await found(given), await found([...given].reverse())];
        // The fields of a struct are in the order in which they first appear.
        const hasStruct =
          forth instanceof Map && [...forth.values()].some((type) => String(type).includes("struct"));
        if (!hasStruct) expect(back).toEqual(forth);
      }),
      { numRuns: 500 },
    );
  });
});

/** Removes nulls from a value, since a missing column or field is null, too. */
function compact(row: Row, without: readonly string[] = []): Row {
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, cell]) => {
      if (cell === null || cell === undefined || without.includes(name)) return [];
      const isStruct = typeof cell === "object" && !Array.isArray(cell);
      return [[name, isStruct ? compact(cell as Row) : cell]];
    }),
  );
}
