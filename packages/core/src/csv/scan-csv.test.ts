import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parseKey } from "../bytes/key.ts";
import { createMemoryBackend } from "../bytes/memory-backend.ts";
import type { Row } from "../bytes/row.ts";
import { Storage } from "../table/storage.ts";
import { encodeCsv } from "./write-csv.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function scan(content: Uint8Array, options = {}): Promise<{ rows: Row[]; batches: number[] }> {
  const storage = new Storage(createMemoryBackend());
  // In small pieces, so that characters, quotes and line ends are split between them.
  const { backend } = storage;
  await backend.put(parseKey("a.csv"), content);
  const pieces = new Storage({
    ...backend,
    async get(key, given) {
      const { info, body } = await backend.get(key, given);
      const bytes = await body.bytes();
      async function* cut(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < bytes.byteLength; i += 7) yield bytes.subarray(i, i + 7);
      }
      return { info, body: Object.assign(cut(), { bytes: async () => bytes, cancel: async () => {} }) };
    },
  });
  const rows: Row[] = [];
  const batches: number[] = [];
  for await (const batch of pieces.scanCsv("a.csv", options)) {
    batches.push(batch.length);
    rows.push(...batch);
  }
  expect(rows).toEqual(await storage.readCsv("a.csv", options));
  return { rows, batches };
}

describe("scanCsv", () => {
  it("yields the rows of readCsv in batches, wherever the stream is split", async () => {
    const given = Array.from({ length: 20_000 }, (_, i) => ({
      i,
      name: `San José "${i}"\r\nState, ${i}`,
      late: i < 19_999 ? i : "a text at last",
      code: `00${i}`,
    }));
    const { rows, batches } = await scan(await encodeCsv(given));
    expect(rows).toEqual(given.map((row) => ({ ...row, late: String(row.late) })));
    expect(batches).toEqual([8192, 8192, 3616]);
  });

  it("handles encodings, nulls, delimiters, a byte order mark and columns as readCsv does", async () => {
    await scan(Buffer.from("\ufeffteam;n\r\nSan José;1\r\nNA;\r\n"), {
      delimiter: ";",
      nullValues: ["", "NA"],
    });
    const { rows } = await scan(Buffer.from("team,n\nSan Jos\xe9,1\n", "latin1"), {
      encoding: "latin1",
      columns: ["n", "x"],
    });
    expect(rows).toEqual([{ n: 1, x: null }]);
    expect((await scan(Buffer.from("a,b\n1,00\n"), { inferTypes: false })).rows).toEqual([
      { a: "1", b: "00" },
    ]);
    expect((await scan(new Uint8Array())).rows).toEqual([]);
  });

  it("finds how a file is escaped in the first of two readings, and names the option without it", async () => {
    const spark = Buffer.from('a,b\n"C:\\\\x",1\n"say \\"hi\\", he said",2\n');
    expect((await scan(spark)).rows).toEqual([
      { a: "C:\\x", b: 1 },
      { a: 'say "hi", he said', b: 2 },
    ]);
    expect((await scan(spark, { escape: "\\", inferTypes: false })).rows).toHaveLength(2);
    const storage = new Storage(createMemoryBackend());
    await storage.backend.put(parseKey("a.csv"), spark);
    const read = async (): Promise<void> => {
      for await (const _ of storage.scanCsv("a.csv", { inferTypes: false }));
    };
    await expect(read()).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining('escape: "\\\\"'),
    });
  });

  it.each([
    ["a,b\n1,2\n3\n", "line 3"],
    ['a,b\n1,2\n3,"x\n', "line"],
    ["a,A\n1,2\n", "header line"],
    [Buffer.from("a\nx\nSan Jos\xe9\n", "latin1"), "latin1"],
  ])("names the problem in %j and its place", async (content, problem) => {
    const storage = new Storage(createMemoryBackend());
    await storage.backend.put(parseKey("a.csv"), Buffer.from(content));
    const read = async (): Promise<void> => {
      for await (const _ of storage.scanCsv("a.csv"));
    };
    await expect(read()).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining(problem),
    });
  });

  it("can be stopped early", async () => {
    const storage = new Storage(createMemoryBackend());
    await storage.writeCsv(
      "a.csv",
      Array.from({ length: 30_000 }, (_, i) => ({ i })),
    );
    for await (const [row] of storage.scanCsv("a.csv")) {
      expect(row).toEqual({ i: 0 });
      break;
    }
  });
});

describe("encodeCsv", () => {
  it("keeps formulas, or escapes them with escapeFormulas, and never changes numbers", async () => {
    const rows = [{ "=a": "=1+1", b: "-5", c: -5, d: "@x", e: "fine", f: "\tx" }];
    expect(text(await encodeCsv(rows))).toBe("=a,b,c,d,e,f\n=1+1,-5,-5,@x,fine,\tx\n");
    expect(text(await encodeCsv(rows, { escapeFormulas: true }))).toBe(
      "'=a,b,c,d,e,f\n'=1+1,'-5,-5,'@x,fine,'\tx\n",
    );
  });

  it.each([[() => 1], [Symbol("x")], [{ a: 1n }], [new Date(Number.NaN)]])(
    "refuses %o, naming row and column",
    async (value) => {
      await expect(encodeCsv([{ a: 1 }, { a: value }])).rejects.toThrow('row 1, column "a" is');
    },
  );
});

describe("readCsv", () => {
  it("unpacks gzip, separates a .tsv by tabs, and refuses a damaged package by name", async () => {
    const storage = new Storage(createMemoryBackend());
    const packed = gzipSync("a\tb\n1\tx,y\n");
    await storage.backend.put(parseKey("a.tsv.gz"), packed);
    expect(await storage.readCsv("a.tsv.gz")).toEqual([{ a: 1, b: "x,y" }]);
    await storage.backend.put(parseKey("a.csv.gz"), gzipSync("a;b\n1;x\n"));
    expect(await storage.readCsv("a.csv.gz", { delimiter: ";" })).toEqual([{ a: 1, b: "x" }]);
    await storage.backend.put(parseKey("cut.csv.gz"), packed.subarray(0, -9));
    await expect(storage.readCsv("cut.csv.gz")).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("cut.csv.gz"),
    });
  });
});
