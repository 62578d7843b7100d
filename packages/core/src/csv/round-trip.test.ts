import fc from "fast-check";
import { expect, it } from "vitest";
import type { Row } from "../bytes/row.ts";
import { decodeCsv } from "./read-csv.ts";
import { scanCsv } from "./scan-csv.ts";
import { encodeCsv } from "./write-csv.ts";

const NASTY = ["", " ", '"', '""', "\\", '\\"', "\n", "\r", "\r\n", "\t", ",", ";", "|", "||", "\ufeff", "'"];
const text = fc.oneof(
  fc.constantFrom(...NASTY, "null", "NULL", "NA", "\\N", "=1+1", "000", "1,5", "true", "NaN", "日本", "🏈"),
  fc
    .array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ maxLength: 3 })), { maxLength: 5 })
    .map((all) => all.join("")),
  fc.string({ unit: "grapheme", maxLength: 8 }),
);
const delimiter = fc.constantFrom(",", ";", "\t", "|", "||", "|x|", " ", "\\", "a", "0", ".", "::", "🏈");

/** A column: an arbitrary of its values, and a value that gives it its type. */
const columns = {
  text: { value: text, witness: "a text" },
  integer: { value: fc.maxSafeInteger(), witness: 1 },
  number: { value: fc.double({ noDefaultInfinity: false }), witness: 0.5 },
  boolean: { value: fc.boolean(), witness: true },
} as const;

/** Rows of up to four columns, with names that need quotes, nulls anywhere, and a type that CSV can tell. */
const table = fc
  .array(fc.tuple(text, fc.constantFrom("text", "integer", "number", "boolean")), {
    minLength: 1,
    maxLength: 4,
  })
  .map((kinds) =>
    kinds.map(([name, kind], i) => ({
      name: `${name.replaceAll("\0", "")}${i}`,
      ...columns[kind as keyof typeof columns],
    })),
  )
  .chain((all) => {
    const value = (given: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.option(given, { freq: 3 });
    const row = fc.tuple(...all.map((column) => value(column.value as fc.Arbitrary<unknown>)));
    const named = (values: readonly unknown[]): Row =>
      Object.fromEntries(all.map(({ name }, i) => [name, values[i]]));
    return fc
      .tuple(fc.array(row, { maxLength: 6 }), fc.array(row, { maxLength: 6 }))
      .map(([before, after]) => [...before, all.map(({ witness }) => witness), ...after].map(named));
  });

it("reads what writeCsv wrote, whatever the rows, the delimiter and the pieces", async () => {
  await fc.assert(
    fc.asyncProperty(table, delimiter, fc.integer({ min: 1, max: 9 }), async (rows, given, size) => {
      const options = { delimiter: given };
      const bytes = await encodeCsv(rows, options);
      expect((await decodeCsv(bytes, "a.csv", options)).rows).toEqual(rows);
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < bytes.byteLength; i += size) yield bytes.subarray(i, i + size);
      }
      const scanned: Row[] = [];
      for await (const batch of scanCsv(async () => pieces(), "a.csv", options)) scanned.push(...batch);
      expect(scanned).toEqual(rows);
    }),
    { numRuns: 1_000 },
  );
});

it("reads strings and nulls that writeCsv wrote without inference, also of one column", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(text)), delimiter, async (values, given) => {
      const options = { delimiter: given, inferTypes: false };
      const rows = values.map((a) => ({ "a ": a }));
      const bytes = await encodeCsv(rows, { delimiter: given });
      expect((await decodeCsv(bytes, "a.csv", options)).rows).toEqual(rows);
    }),
    { numRuns: 2_000 },
  );
});
