import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NAME_BYTES, RecordTable, VALUE_BYTES } from "./record-table.ts";

const bytesOf = (text: string, length = NAME_BYTES): Buffer =>
  createHash("sha256").update(text).digest().subarray(0, length);
const md5Of = (value: number): Buffer => bytesOf(`${value}`, VALUE_BYTES);

describe("RecordTable", () => {
  it("behaves as a map, whatever it held before and however much it grows", () => {
    const entry = fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4000 }), fc.nat(2000), (entries, before) => {
        const map = new Map<number, number>(entries.slice(0, before));
        const records = entries
          .slice(0, before)
          .flatMap(([name, value]) => [bytesOf(`${name}`), md5Of(value)]);
        const table = new RecordTable(Buffer.concat(records));
        for (const [name, value] of entries.slice(before)) {
          expect(table.set(bytesOf(`${name}`), md5Of(value))).toBe(map.get(name) !== value);
          map.set(name, value);
        }
        for (const [name, value] of map) expect(table.get(bytesOf(`${name}`))).toEqual(md5Of(value));
        expect(table.get(bytesOf("another"))).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});
