import { describe, expect, it } from "vitest";
import { createMemoryBackend, partition, type Row, Storage } from "../index.ts";

const schema = [
  { name: "i", type: "int64" },
  { name: "text", type: "string" },
] as const;

async function* batches(count: number, size: number): AsyncGenerator<Row[]> {
  for (let start = 0; start < count; start += size) {
    yield Array.from({ length: Math.min(size, count - start) }, (_, i) => ({
      i: start + i,
      text: `row ${(start + i) % 7}`,
    }));
  }
}

describe("writing rows in batches", () => {
  it.each([0, 1, 7_001, 20_000, 20_001, 60_000])(
    "are one file of %i rows, the same as all at once",
    async (count) => {
      const storage = new Storage(createMemoryBackend());
      await storage.writeParquet("streamed.parquet", batches(count, 7_000), { schema });
      const all: Row[] = [];
      for await (const batch of batches(count, 1_000)) all.push(...batch);
      await storage.writeParquet("whole.parquet", all, { schema });
      expect(await storage.readParquet("streamed.parquet")).toEqual(all);
      const bytesOf = async (path: string): Promise<Uint8Array> =>
        (await storage.backend.get(path as never)).body.bytes();
      expect(Buffer.compare(await bytesOf("streamed.parquet"), await bytesOf("whole.parquet"))).toBe(0);
    },
  );

  it("takes the batches of a scan, and holds at most a row group at a time", async () => {
    const storage = new Storage(createMemoryBackend());
    for (const y of [1, 2, 3]) await storage.write("raw/x", [{ i: y, text: "x" }], partition({ y }));
    const withYear = [...schema, { name: "y", type: "string" }] as const;
    await storage.writeParquet("all.parquet", storage.scan("raw/x"), { schema: withYear });
    expect(await storage.readParquet("all.parquet")).toEqual(await storage.readIndex("raw/x"));
    let made = 0;
    let sent = 0;
    async function* counted(): AsyncGenerator<Row[]> {
      for await (const batch of batches(200_000, 5_000)) {
        made += batch.length;
        // At most a row group and a batch are encoded ahead of the reader.
        expect(made - sent).toBeLessThanOrEqual(25_000);
        yield batch;
      }
    }
    const { encodeParquetStream } = await import("./write-parquet.ts");
    for await (const _ of encodeParquetStream(counted(), schema)) sent += 20_000;
    expect(made).toBe(200_000);
  });

  it("names the row of a value that does not fit, counted over all batches, and stores no file", async () => {
    const storage = new Storage(createMemoryBackend());
    async function* bad(): AsyncGenerator<Row[]> {
      yield* batches(30_000, 5_000);
      yield [{ i: "x" }];
    }
    await expect(storage.writeParquet("a.parquet", bad(), { schema })).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining('row 30000, column "i" is "x"'),
    });
    expect(await storage.exists("a.parquet")).toBe(false);
    await expect(storage.writeParquet("a.parquet", batches(1, 1))).rejects.toThrow("by the option schema");
    async function* unknown(): AsyncGenerator<Row[]> {
      yield [{ other: 1 }];
    }
    await expect(storage.writeParquet("a.parquet", unknown(), { schema })).rejects.toThrow('"other"');
  });
});
