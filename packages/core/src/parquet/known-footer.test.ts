import { expect, it } from "vitest";
import { parseKey } from "../bytes/key.ts";
import { createMemoryBackend } from "../bytes/memory-backend.ts";
import { isStorageError } from "../bytes/storage-error.ts";
import { Storage } from "../table/storage.ts";
import type { ColumnSchema } from "./column-type.ts";
import { encodeParquet } from "./write-parquet.ts";

const COLUMNS: readonly ColumnSchema[] = [
  { name: "at", type: "timestamp" },
  { name: "yards", type: "int64" },
  { name: "team", type: "string" },
  { name: "tags", type: { list: "string" } },
];
const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    at: new Date(i),
    yards: i % 3 === 0 ? null : i,
    team: `team ${i % 2}`,
    tags: ["a", null].slice(i % 3),
  }));

const storage = new Storage(createMemoryBackend());
const read = async (bytes: Uint8Array): Promise<unknown> => {
  await storage.backend.put(parseKey("a.parquet"), bytes);
  try {
    return await storage.readParquet("a.parquet");
  } catch (error) {
    if (!isStorageError(error)) throw error;
    return error.code;
  }
};

it("reads files with the columns of the file before, whatever their rows are", async () => {
  for (const count of [3, 0, 20_001, 1]) {
    const found = await read(await encodeParquet(rowsOf(count), COLUMNS));
    expect(found).toEqual(rowsOf(count));
  }
});

it("reads a damaged footer alike, whichever file was read before", async () => {
  const good = await encodeParquet(rowsOf(40), COLUMNS);
  const other = await encodeParquet([{ a: 1 }], [{ name: "a", type: "int64" }]);
  const footer = good.byteLength - 8 - new DataView(good.buffer).getUint32(good.byteLength - 8, true);
  let refused = 0;
  let accepted = 0;
  for (let at = footer; at < good.byteLength - 8; at += 2) {
    for (const damage of [(byte: number) => byte ^ (1 << (at % 8)), () => 0, () => 127, () => 255]) {
      const bytes = good.slice();
      bytes[at] = damage(bytes[at] ?? 0);
      await read(other);
      const afterOther = await read(bytes);
      await read(good);
      expect(await read(bytes), `byte ${at} is ${bytes[at]}`).toEqual(afterOther);
      if (typeof afterOther === "string") refused++;
      else accepted++;
    }
  }
  expect(Math.min(refused, accepted)).toBeGreaterThan(0);
});
