import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKey } from "../bytes/key.ts";
import { createMemoryBackend } from "../bytes/memory-backend.ts";
import { Storage } from "../table/storage.ts";
import { chunkLayout, footerBytes, keepRowGroups, schemaBytes } from "./chunk-layout.ts";
import type { ColumnSchema } from "./column-type.ts";
import { encodeParquet, ROW_GROUP_ROWS } from "./write-parquet.ts";

/** 17 row groups: a list of more than 14 has a longer head. */
const GROUPS = 17;
const rows = Array.from({ length: (GROUPS - 1) * ROW_GROUP_ROWS + 1 }, (_, i) => ({ i }));
const file = await encodeParquet(rows, [{ name: "i", type: "int64" }]);
const footer = file.subarray(file.byteLength - (footerBytes(file) ?? 0));

describe("keepRowGroups", () => {
  it("returns a footer with which readers see exactly the rows of the kept row groups", async () => {
    const layout = chunkLayout(footer);
    const storage = new Storage(createMemoryBackend());
    const kept = fc.array(fc.boolean(), { minLength: GROUPS, maxLength: GROUPS });
    await fc.assert(
      fc.asyncProperty(kept, async (isKept) => {
        const subset = Buffer.concat([
          file.subarray(0, -footer.byteLength),
          keepRowGroups(footer, layout, isKept),
        ]);
        await storage.backend.put(parseKey("part.parquet"), subset);
        const read = await storage.readParquet("part.parquet");
        const expected = isKept.reduce((sum, keep, i) => sum + (keep ? Number(layout[i]?.rowCount) : 0), 0);
        expect(read).toHaveLength(expected);
        const groups = new Set(read.map(({ i }) => Math.floor(Number(i) / ROW_GROUP_ROWS)));
        expect([...groups]).toEqual(isKept.flatMap((keep, i) => (keep ? [i] : [])));
      }),
      { numRuns: 8 },
    );
  });

  it("keeps a footer byte for byte where every row group stays", () => {
    const layout = chunkLayout(footer);
    expect(
      Buffer.from(
        keepRowGroups(
          footer,
          layout,
          layout.map(() => true),
        ),
      ),
    ).toEqual(Buffer.from(footer));
  });

  it("refuses a footer that is cut off", () => {
    const layout = chunkLayout(footer);
    expect(() => keepRowGroups(footer.subarray(0, 100), layout, [])).toThrow("runs beyond its bytes");
    expect(footerBytes(footer.subarray(0, 7))).toBeUndefined();
    expect(footerBytes(new Uint8Array(20))).toBeUndefined();
  });
});

describe("schemaBytes", () => {
  const footerOf = async (columns: readonly ColumnSchema[], rowCount: number): Promise<Uint8Array> => {
    const all = Array.from({ length: rowCount }, (_, i) =>
      Object.fromEntries(columns.map(({ name }) => [name, i])),
    );
    const bytes = await encodeParquet(all, columns);
    return bytes.subarray(bytes.byteLength - (footerBytes(bytes) ?? 0));
  };

  it("is the same for files of the same columns, whatever their rows are", async () => {
    const columns: ColumnSchema[] = [{ name: "a", type: "int64" }];
    const bytes = schemaBytes(await footerOf(columns, 1));
    expect(schemaBytes(await footerOf(columns, 0))).toEqual(bytes);
    expect(schemaBytes(await footerOf(columns, 50_000))).toEqual(bytes);
    expect(schemaBytes(await footerOf([{ name: "a", type: "double" }], 1))).not.toEqual(bytes);
    expect(schemaBytes(await footerOf([{ name: "b", type: "int64" }], 1))).not.toEqual(bytes);
  });

  it("refuses footers that are cut off or longer than their content", async () => {
    const bytes = await footerOf([{ name: "a", type: "int64" }], 3);
    expect(() => schemaBytes(bytes.subarray(0, -20))).toThrow();
    expect(() => schemaBytes(Buffer.concat([bytes, new Uint8Array(4)]))).toThrow("another length");
    expect(() => schemaBytes(new Uint8Array(0))).toThrow();
  });
});
