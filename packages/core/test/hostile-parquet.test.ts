import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { createMemoryBackend, parseKey, type Row, Storage, type StorageError } from "../src/index.ts";
import {
  CODEC,
  dictionaryPage,
  ENCODING,
  fileOf,
  hostileFile,
  i32,
  i64,
  page,
  pageV2,
  struct,
  type ThriftField,
  TYPE,
  text,
  thrift,
  varint,
} from "./support/hostile-file.ts";

/** A small part of the files that `pnpm soak:tables` reads. */
const DAMAGED_FILES = 2_000;

const uint32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)];
/** Levels as one run of `value`, preceded by their length. */
const levels = (count: number, value: number): number[] => {
  const run = [...varint(count * 2), value];
  return [...uint32(run.length), ...run];
};
const zeros = (count: number): number[] => new Array<number>(count).fill(0);
const int64s = (count: number): number[] => zeros(count * 8);
const MEGABYTE = 1024 * 1024;
/** A number of a megabyte: reading it digit by digit takes quadratic time. */
const ENDLESS = [...new Array<number>(MEGABYTE).fill(0xff), 0];
const schema = (...elements: (readonly ThriftField[])[]): ThriftField => [2, { structs: elements }];
const emptyFile = (...footer: ThriftField[]): Uint8Array => fileOf(new Uint8Array(), footer);

/** Small files that would hang a trusting decoder, or take all memory. */
const CASES: Readonly<Record<string, () => Uint8Array>> = {
  "a run of two billion levels": () =>
    hostileFile({ rows: 10, pages: [page(10, 0, [...levels(2 ** 31, 1), ...int64s(10)])] }),
  "a run without an end": () =>
    hostileFile({ rows: 10, pages: [page(10, 0, [...uint32(8), 255, 255, 255, 255, 255, 255, 255, 1])] }),
  "levels that end early": () =>
    hostileFile({ rows: 10, pages: [page(10, 0, [...levels(9, 1), ...int64s(10)])] }),
  "levels that run beyond the page": () =>
    hostileFile({ rows: 10, pages: [page(10, 0, [...uint32(2 ** 31), 20, 1])] }),
  "bit-packed indices of no bits, a billion of them": () =>
    hostileFile({
      rows: 10,
      optional: false,
      pages: [
        dictionaryPage(1, int64s(1)),
        pageV2(10, 0, ENCODING.DICTIONARY, [], [0, ...varint(2 ** 29 + 1)]),
      ],
    }),
  "indices of 255 bits": () =>
    hostileFile({
      rows: 10,
      optional: false,
      pages: [dictionaryPage(1, int64s(1)), page(10, ENCODING.DICTIONARY, [255, 20, 0])],
    }),
  "indices without a dictionary": () =>
    hostileFile({ rows: 10, optional: false, pages: [page(10, ENCODING.DICTIONARY, [1, 20, 0])] }),
  "an index that the dictionary lacks": () =>
    hostileFile({
      rows: 10,
      type: TYPE.BYTE_ARRAY,
      optional: false,
      pages: [dictionaryPage(1, [...uint32(1), 65]), page(10, ENCODING.DICTIONARY, [8, 20, 7])],
    }),
  "a dictionary of two billion entries": () =>
    hostileFile({
      rows: 10,
      optional: false,
      pages: [dictionaryPage(2 ** 31 - 1, int64s(1)), page(10, 8, [1, 20, 0])],
    }),
  "delta blocks in no parts": () =>
    hostileFile({
      rows: 1000,
      optional: false,
      pages: [page(1000, ENCODING.DELTA, [128, 1, 0, ...varint(1000), ...zeros(99)])],
    }),
  "delta blocks of nothing": () =>
    hostileFile({
      rows: 1000,
      type: TYPE.INT32,
      optional: false,
      pages: [page(1000, ENCODING.DELTA, [0, 0, ...varint(1000), ...zeros(99)])],
    }),
  "a delta that goes on for a megabyte": () =>
    hostileFile({
      rows: 1000,
      optional: false,
      pages: [page(1000, ENCODING.DELTA, [128, 1, 4, ...varint(1000), ...ENDLESS])],
    }),
  "prefixes that are copied a gigabyte at a time": () => {
    const deltas = (first: number): number[] => [
      128,
      1,
      4,
      ...varint(100),
      ...varint(first * 2),
      0,
      0,
      0,
      0,
      0,
    ];
    return hostileFile({
      rows: 100,
      type: TYPE.BYTE_ARRAY,
      optional: false,
      pages: [page(100, ENCODING.DELTA_BYTES, [...deltas(2 ** 30), ...deltas(0)])],
    });
  },
  "a byte stream that is split into more than it holds": () =>
    hostileFile({
      rows: 2 ** 22,
      type: TYPE.DOUBLE,
      optional: false,
      pages: [page(2 ** 22, ENCODING.SPLIT, zeros(64))],
    }),
  "fewer than no nulls": () =>
    hostileFile({ rows: 10, pages: [pageV2(10, -(2 ** 31) + 11, 0, [20, 1], int64s(10))] }),
  "more levels than bytes": () => {
    const bytes = pageV2(10, 0, 0, [20, 1], int64s(10));
    // The bytes of the levels, field 5 of the header of its kind.
    bytes[bytes.findIndex((byte, i) => byte === 5 && bytes[i + 1] === 10 && bytes[i + 2] === 4) + 2] = 126;
    return hostileFile({ rows: 10, pages: [bytes] });
  },
  "a page that claims a gigabyte": () =>
    hostileFile({
      rows: 10,
      codec: CODEC.ZSTD,
      pages: [page(10, 0, [0x28, 0xb5, 0x2f, 0xfd, 0x20, 8, 1, 0, 0], 2 ** 30)],
    }),
  "a zstd frame that claims two": () =>
    hostileFile({
      rows: 10,
      codec: CODEC.ZSTD,
      pages: [page(10, 0, [0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x7f, 1, 0, 0], 100)],
    }),
  "gzip that grows beyond its page": () =>
    hostileFile({
      rows: 10,
      codec: CODEC.GZIP,
      pages: [page(10, 0, gzipSync(Buffer.alloc(50 * MEGABYTE)), 100)],
    }),
  "brotli that grows beyond its page": () =>
    hostileFile({
      rows: 10,
      codec: CODEC.BROTLI,
      pages: [page(10, 0, brotliCompressSync(Buffer.alloc(50 * MEGABYTE)), 100)],
    }),
  "gzip that grows a thousandfold, page after page": () => {
    const body = gzipSync(Buffer.alloc(40 * MEGABYTE));
    return hostileFile({
      rows: 8,
      type: TYPE.BYTE_ARRAY,
      codec: CODEC.GZIP,
      pages: Array.from({ length: 8 }, () => page(1, 0, body, 40 * MEGABYTE)),
    });
  },
  "LZ4 blocks that go backwards": () =>
    hostileFile({
      rows: 10,
      codec: CODEC.LZ4,
      pages: [page(10, 0, [0, 0, 0, 0, 255, 255, 255, 248, ...zeros(16)], 100)],
    }),
  "snappy of another size than its page": () =>
    hostileFile({ rows: 10, codec: CODEC.SNAPPY, pages: [page(10, 0, [1, 0, 65], 100)] }),
  "fifty million rows in three hundred bytes": () =>
    hostileFile({ rows: 50_000_000, pages: [page(50_000_000, 0, levels(50_000_000, 0))] }),
  "more rows than there are numbers for": () => hostileFile({ rows: 2n ** 62n, pages: [] }),
  "values of two gigabytes": () =>
    hostileFile({
      rows: 10,
      type: TYPE.FIXED,
      element: [[2, i32(2 ** 31 - 1)]],
      pages: [page(10, 0, levels(10, 0))],
    }),
  "decimals of two billion digits": () =>
    hostileFile({
      rows: 10,
      element: [
        [6, i32(5)],
        [7, i32(2 ** 31 - 1)],
        [8, i32(18)],
      ],
      pages: [page(10, 0, [...levels(10, 1), ...int64s(10)])],
    }),
  "a footer with a number of a megabyte": () =>
    hostileFile({ rows: 10, pages: [page(10, 0, levels(10, 0))], footer: [[9, { raw: [6, ENDLESS] }]] }),
  "a footer with a list of two billion": () =>
    hostileFile({
      rows: 10,
      pages: [page(10, 0, levels(10, 0))],
      footer: [[9, { raw: [9, [0xf5, ...varint(2 ** 31)]] }]],
    }),
  "a footer of structs in structs": () =>
    hostileFile({
      rows: 10,
      pages: [page(10, 0, levels(10, 0))],
      footer: [[9, { raw: [12, new Array<number>(100_000).fill(0x1c)] }]],
    }),
  "a schema that is 20,000 levels deep": () =>
    emptyFile(
      [1, i32(1)],
      schema(
        ...Array.from({ length: 15_000 }, (): ThriftField[] => [
          [4, text("a")],
          [5, i32(1)],
        ]),
        [
          [1, i32(2)],
          [4, text("a")],
        ],
      ),
      [3, i64(0)],
      [4, { structs: [] }],
    ),
  "a schema whose children never come": () =>
    emptyFile(
      [1, i32(1)],
      schema(
        [
          [4, text("a")],
          [5, i32(3)],
        ],
        [
          [1, i32(2)],
          [4, text("a")],
        ],
      ),
      [3, i64(0)],
      [4, { structs: [] }],
    ),
  "a schema of 100,000 columns": () =>
    emptyFile(
      [1, i32(1)],
      schema(
        [
          [4, text("a")],
          [5, i32(100_000)],
        ],
        ...Array.from({ length: 100_000 }, (_, i): ThriftField[] => [
          [1, i32(2)],
          [4, text(`${i}`)],
        ]),
      ),
      [3, i64(0)],
      [4, { structs: [] }],
    ),
  "a thousand row groups of the same bytes": () => {
    const body = page(2 ** 20, 0, levels(2 ** 20, 0));
    const chunk: readonly ThriftField[] = [
      [1, i32(2)],
      [2, { i32s: [0] }],
      [3, { texts: ["a"] }],
      [4, i32(0)],
      [5, i64(2 ** 20)],
      [6, i64(body.byteLength)],
      [7, i64(body.byteLength)],
      [9, i64(4)],
    ];
    const group: readonly ThriftField[] = [
      [1, { structs: [[[3, { struct: chunk }]]] }],
      [3, i64(2 ** 20)],
    ];
    return fileOf(body, [
      [1, i32(1)],
      schema(
        [
          [4, text("s")],
          [5, i32(1)],
        ],
        [
          [1, i32(2)],
          [3, i32(1)],
          [4, text("a")],
        ],
      ),
      [3, i64(1000 * 2 ** 20)],
      [4, { structs: Array.from({ length: 1000 }, () => group) }],
    ]);
  },
  "a page header with a number of a megabyte": () =>
    hostileFile({
      rows: 10,
      pages: [Uint8Array.from([...thrift([[9, { raw: [6, ENDLESS] }]]), ...page(10, 0, levels(10, 0))])],
    }),
};

describe("hostile Parquet", () => {
  let storage: Storage;
  const read = async (bytes: Uint8Array): Promise<Row[]> => {
    await storage.backend.put(parseKey("a.parquet"), bytes);
    return storage.readParquet("a.parquet");
  };

  beforeEach(() => {
    storage = new Storage(createMemoryBackend());
  });

  it("is built like valid files", async () => {
    const honest = hostileFile({ rows: 10, pages: [page(10, 0, [...levels(10, 1), ...int64s(10)])] });
    expect(await read(honest)).toEqual(new Array(10).fill({ a: 0 }));
    const nulls = hostileFile({ rows: 1_000_000, pages: [page(1_000_000, 0, levels(1_000_000, 0))] });
    expect(await read(nulls)).toHaveLength(1_000_000);
    const text = hostileFile({
      rows: 10,
      type: TYPE.BYTE_ARRAY,
      optional: false,
      element: [[6, i32(0)]],
      pages: [dictionaryPage(1, [...uint32(1), 65]), page(10, ENCODING.DICTIONARY, [8, 20, 0])],
    });
    expect(await read(text)).toEqual(new Array(10).fill({ a: "A" }));
    const second = hostileFile({ rows: 10, pages: [pageV2(10, 0, 0, [20, 1], int64s(10))] });
    expect(await read(second)).toEqual(new Array(10).fill({ a: 0 }));
  });

  it.each(Object.entries(CASES))("%s is corrupt", async (_, build) => {
    await expect(read(build())).rejects.toMatchObject({ code: "corrupt", op: "readParquet" });
  });

  it("damaged files of any writer neither hang nor end the process", async () => {
    const folder = join(import.meta.dirname, "golden");
    const names = await readdir(folder, { recursive: true });
    const files = await Promise.all(
      names.filter((name) => name.endsWith(".parquet")).map((name) => readFile(join(folder, name))),
    );
    let refused = 0;
    for (let seed = 1; seed <= DAMAGED_FILES; seed++) {
      const bytes = new Uint8Array(files[seed % files.length] ?? []);
      for (let flip = 0; flip <= seed % 3; flip++) {
        const bit = (seed * 48_271 + flip * 7_919) % (bytes.byteLength * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      }
      try {
        await read(bytes);
      } catch (error) {
        refused++;
        expect(["corrupt", "not_supported"], `seed ${seed}: ${error}`).toContain(
          (error as StorageError).code,
        );
      }
    }
    expect(refused).toBeGreaterThan(DAMAGED_FILES / 5);
  });

  it("a VARIANT, which can contain itself, is not supported", async () => {
    const variant: ThriftField = [10, struct([16, struct()])];
    const bytes = emptyFile(
      [1, i32(1)],
      schema(
        [
          [4, text("s")],
          [5, i32(1)],
        ],
        [[3, i32(1)], [4, text("v")], [5, i32(2)], variant],
        [
          [1, i32(6)],
          [3, i32(0)],
          [4, text("metadata")],
        ],
        [
          [1, i32(6)],
          [3, i32(0)],
          [4, text("value")],
        ],
      ),
      [3, i64(0)],
      [4, { structs: [] }],
    );
    await expect(read(bytes)).rejects.toMatchObject({ code: "not_supported" });
  });
});
