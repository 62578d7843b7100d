import { createMemoryBackend, partition, type Row, Storage } from "@parquetry/core";
import { beforeAll, describe, expect, it } from "vitest";
import { longestHold, MOST_MS } from "../../../test/support/longest-hold.ts";

const ROWS = 50_000;
const rows: readonly Row[] = Array.from({ length: ROWS }, (_, i) => {
  const row: Row = { list: [i, i + 1], point: { x: i, text: `a ${i % 7}` }, time: new Date(i * 1e6) };
  for (let c = 0; c < 6; c++) row[`i${c}`] = i * c;
  for (let c = 0; c < 6; c++) row[`d${c}`] = i / (c + 3);
  for (let c = 0; c < 4; c++) row[`t${c}`] = `text ${i % (c === 0 ? ROWS : 97)}`;
  return row;
});
const flat = rows.map(({ list: _, point: __, ...row }) => row);
const columns = {
  id: Float64Array.from({ length: ROWS * 5 }, (_, i) => i),
  text: Array.from({ length: ROWS * 5 }, (_, i) => `text ${i % 999}`),
};

type Call = (storage: Storage, signal?: AbortSignal) => Promise<unknown>;

const WRITES: Readonly<Record<string, Call>> = {
  write: (storage, signal) => storage.write("raw/a", rows, partition({ n: 1 }), { signal }),
  writePartitions: (storage, signal) => storage.writePartitions("raw/b", rows, { by: ["t1"], signal }),
  writeParquet: (storage, signal) => storage.writeParquet("a.parquet", rows, { signal }),
  "writeParquet of columns": (storage, signal) => storage.writeParquet("c.parquet", { columns }, { signal }),
};

const OTHERS: Readonly<Record<string, Call>> = {
  writeCsv: (storage) => storage.writeCsv("a.csv", flat),
  readParquet: (storage) => storage.readParquet("a.parquet"),
  readIndex: (storage) => storage.readIndex("raw/a"),
  readCsv: (storage) => storage.readCsv("a.csv"),
  scanCsv: async (storage) => {
    for await (const _ of storage.scanCsv("a.csv"));
  },
};

describe(`with ${ROWS} rows`, () => {
  const storage = new Storage(createMemoryBackend());

  // What the reads read.
  beforeAll(async () => {
    await storage.write("raw/a", rows, partition({ n: 1 }));
    await storage.writeParquet("a.parquet", rows);
    await storage.writeCsv("a.csv", flat);
  });

  it.each(Object.entries({ ...WRITES, ...OTHERS }))(
    "%s lets other work run",
    async (_, call) => {
      expect(await longestHold(() => call(storage))).toBeLessThan(MOST_MS);
    },
    120_000,
  );

  it.each(Object.entries(WRITES))(
    "%s stops when the signal fires, and stores nothing",
    async (_, call) => {
      const empty = new Storage(createMemoryBackend());
      const controller = new AbortController();
      // Early enough on a machine that is several times as fast.
      setTimeout(() => controller.abort(), 5);
      await expect(call(empty, controller.signal)).rejects.toMatchObject({ code: "aborted" });
      expect(await empty.listFiles()).toEqual([]);
    },
    60_000,
  );
});
