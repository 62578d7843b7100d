import { createMemoryBackend, parseKey, type Row, Storage } from "@parquetry/core";
import { parquetWriteBuffer } from "hyparquet-writer";
import { beforeAll, describe, expect, it } from "vitest";
import { longestHold, MOST_MS } from "../../../test/support/longest-hold.ts";

const ROWS = 150_000;
const words = Array.from({ length: ROWS }, (_, i) => (i % 7 === 0 ? null : `word ${i % 1000}`));
const unique = Array.from({ length: ROWS }, (_, i) => `text ${i}`);
const doubles = Float64Array.from({ length: ROWS }, (_, i) => i / 8);
const lists = Array.from({ length: ROWS }, (_, i) => Array.from({ length: i % 4 }, (_, n) => i + n));

// Pages end inside of the decoder's parts, and lists and dictionaries go on over several of them.
describe("a row group of many pages", () => {
  const storage = new Storage(createMemoryBackend());
  const path = parseKey("large.parquet");

  beforeAll(async () => {
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: "words", data: words },
        { name: "unique", data: unique },
        { name: "doubles", data: doubles },
        { name: "lists", data: lists },
      ],
      schema: [
        { name: "root", num_children: 4 },
        { name: "words", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
        { name: "unique", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
        { name: "doubles", type: "DOUBLE", repetition_type: "REQUIRED" },
        { name: "lists", converted_type: "LIST", repetition_type: "OPTIONAL", num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", type: "INT32", repetition_type: "OPTIONAL" },
      ],
      rowGroupSize: ROWS,
      pageSize: 20_000,
    });
    await storage.backend.put(path, new Uint8Array(bytes));
  });

  it("is read value by value", async () => {
    const rows = await storage.readParquet(path);
    expect(rows).toHaveLength(ROWS);
    const wrong = rows.findIndex(
      (row, i) =>
        row["words"] !== words[i] ||
        row["unique"] !== unique[i] ||
        row["doubles"] !== doubles[i] ||
        JSON.stringify(row["lists"]) !== JSON.stringify(lists[i]),
    );
    expect(wrong).toBe(-1);
  });

  it("lets other work run while it is read", async () => {
    expect(await longestHold(() => storage.readParquet(path))).toBeLessThan(MOST_MS);
  });

  it("is no longer decoded once the signal has fired", async () => {
    const controller = new AbortController();
    const batches: Row[][] = [];
    const reading = (async () => {
      for await (const rows of storage.scanParquet(path, { signal: controller.signal })) batches.push(rows);
    })();
    // Early enough on a machine that is several times as fast.
    setTimeout(() => controller.abort(), 5);
    await expect(reading).rejects.toMatchObject({ code: "aborted" });
    expect(batches).toEqual([]);
  });
});
