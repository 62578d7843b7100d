import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { parquetMetadata } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ColumnSchema,
  createMemoryBackend,
  isStorageError,
  parseKey,
  type Row,
  Storage,
} from "../src/index.ts";
import { encodeParquet, ParquetJoiner } from "../src/unstable-tables.ts";
import { exactRows } from "./support/exact-rows.ts";
import { fileOf, hostileFile, i32, i64, page, struct, TYPE, text } from "./support/hostile-file.ts";
import { Random, randomTable } from "./support/random-table.ts";

/** Where the damage of the last two tests begins. */
const SEED = Number(process.env["PARQUETRY_SEED"] ?? 1);

let folder: string;
let connection: DuckDBConnection;
let files = 0;

const connect = async (): Promise<void> => {
  connection = await (await DuckDBInstance.create(":memory:")).connect();
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-joiner-"));
  await connect();
});

afterAll(() => rm(folder, { recursive: true }));

/** The joined file, or undefined where one of the files was refused. */
function joined(files: readonly Uint8Array[]): Uint8Array | undefined {
  const joiner = new ParquetJoiner();
  const pieces: Uint8Array[] = [];
  for (const file of files) {
    const added = joiner.add(file);
    if (added === undefined) return undefined;
    pieces.push(...added);
  }
  expect(joiner.size).toBe(Buffer.concat(pieces).byteLength);
  return Buffer.concat([...pieces, joiner.footer()]);
}

const storage = new Storage(createMemoryBackend());
async function rowsOf(file: Uint8Array): Promise<readonly Row[]> {
  await storage.backend.put(parseKey("a.parquet"), file);
  return storage.readParquet("a.parquet");
}

interface Digest {
  readonly rows: bigint;
  readonly hashes: bigint;
}

/** The rows of a file in DuckDB: their number, and the sum of their hashes. Undefined where it cannot read them. */
async function digest(file: Uint8Array): Promise<Digest | undefined> {
  // DuckDB keeps what it has read of a path.
  const path = join(folder, `${++files}.parquet`);
  await writeFile(path, file);
  try {
    const result = await connection.run(
      `SELECT count(*)::HUGEINT, coalesce(sum(hash(file_row)::HUGEINT), 0)::HUGEINT FROM read_parquet('${path}') file_row`,
    );
    const [row] = await result.getRows();
    return { rows: row?.[0] as bigint, hashes: row?.[1] as bigint };
  } catch {
    // An internal error makes the database unusable.
    await connect();
    return undefined;
  }
}

function sumOf(digests: readonly (Digest | undefined)[]): Digest {
  return digests.reduce<Digest>(
    (sum, one) => ({ rows: sum.rows + (one?.rows ?? 0n), hashes: sum.hashes + (one?.hashes ?? 0n) }),
    { rows: 0n, hashes: 0n },
  );
}

const COLUMNS: readonly ColumnSchema[] = [
  { name: "yards", type: "int64" },
  { name: "team", type: "string" },
];
const plays = (count: number, first = 0): Promise<Uint8Array> =>
  encodeParquet(
    Array.from({ length: count }, (_, i) => ({ yards: first + i, team: i % 3 === 0 ? null : `team ${i}` })),
    COLUMNS,
  );

describe("a joined file", () => {
  it("has the rows of random tables in their order, for readParquet and for DuckDB", async () => {
    for (let seed = 0; seed < 49; seed++) {
      const { schema, rows } = randomTable(seed);
      const random = new Random(seed);
      const parts: Row[][] = [];
      for (let at = 0; at < rows.length || parts.length < 2; ) {
        const end = at + random.below(Math.max(2, rows.length));
        parts.push(rows.slice(at, end));
        at = end;
      }
      const partFiles = await Promise.all(parts.map((part) => encodeParquet(part, schema)));
      const whole = joined(partFiles);
      if (whole === undefined) throw new Error(`the tables of seed ${seed} were refused`);
      expect(exactRows(await rowsOf(whole), schema), `seed ${seed}`).toEqual(exactRows(rows, schema));
      const digests: (Digest | undefined)[] = [];
      for (const file of partFiles) digests.push(await digest(file));
      expect(digests).not.toContain(undefined);
      expect(await digest(whole), `seed ${seed}`).toEqual(sumOf(digests));
    }
  });

  it("has the rows of files that pyarrow, DuckDB, Polars, pandas and Spark have written", async () => {
    const golden = join(import.meta.dirname, "golden");
    const names = (await readdir(golden, { recursive: true })).filter((name) => name.endsWith(".parquet"));
    const refused: string[] = [];
    for (const name of names) {
      const file = await readFile(join(golden, name));
      const whole = joined([file, file, file]);
      if (whole === undefined) {
        refused.push(name);
        continue;
      }
      const one = await digest(file);
      expect(await digest(whole), name).toEqual(one && sumOf([one, one, one]));
    }
    expect(refused.toSorted()).toEqual([
      "values/encrypted-columns.parquet",
      "values/encrypted-footer.parquet",
    ]);
    expect(names.length).toBeGreaterThan(50);
  });

  it("has no indexes of pages, whose offsets would be those of the first file", async () => {
    const golden = join(import.meta.dirname, "golden");
    const names = (await readdir(golden, { recursive: true })).filter((name) => name.endsWith(".parquet"));
    let indexed = 0;
    for (const name of names) {
      const file = await readFile(join(golden, name));
      const whole = joined([file, file]);
      if (whole === undefined) continue;
      const hasIndex = (bytes: Uint8Array): boolean =>
        parquetMetadata(new Uint8Array(bytes).buffer).row_groups.some(({ columns }) =>
          columns.some(
            (column) => column.offset_index_offset !== undefined || column.column_index_offset !== undefined,
          ),
        );
      if (hasIndex(file)) indexed++;
      expect(hasIndex(whole), name).toBe(false);
    }
    expect(indexed).toBeGreaterThan(0);
  });

  it("can have thousands of row groups", async () => {
    const many = await Promise.all(Array.from({ length: 3000 }, (_, i) => plays(1 + (i % 3), i)));
    const whole = joined(many) ?? new Uint8Array(0);
    const rows = await rowsOf(whole);
    expect(rows).toHaveLength(6000);
    expect(rows.at(-1)).toEqual({ yards: 3001, team: "team 2" });
    expect(await digest(whole)).toMatchObject({ rows: 6000n });
  });
});

describe("a file that cannot be joined", () => {
  const refusedAfter = async (file: Uint8Array): Promise<boolean> => {
    const joiner = new ParquetJoiner();
    const good = await plays(3);
    const pieces = [...(joiner.add(good) ?? [])];
    const isRefused = joiner.add(file) === undefined;
    // A refused file leaves no trace.
    if (isRefused) {
      pieces.push(...(joiner.add(await plays(2, 3)) ?? []));
      const whole = Buffer.concat([...pieces, joiner.footer()]);
      expect((await rowsOf(whole)).map(({ yards }) => yards)).toEqual([0, 1, 2, 3, 4]);
    }
    return isRefused;
  };

  it("has other columns, or the same in another order", async () => {
    const others: readonly (readonly ColumnSchema[])[] = [
      [...COLUMNS, { name: "down", type: "int64" }],
      [
        { name: "yards", type: "double" },
        { name: "team", type: "string" },
      ],
      [
        { name: "yards", type: "int64" },
        { name: "Team", type: "string" },
      ],
      [
        { name: "team", type: "string" },
        { name: "yards", type: "int64" },
      ],
    ];
    for (const schema of others) {
      expect(await refusedAfter(await encodeParquet([{ yards: 1, team: "a" }], schema))).toBe(true);
    }
    expect(
      await refusedAfter(
        await readFile(join(import.meta.dirname, "golden/values/int64.parquet")).catch(
          () => new Uint8Array(3),
        ),
      ),
    ).toBe(true);
    expect(await refusedAfter(await plays(1))).toBe(false);
  });

  it("is not a Parquet file, or only a part of one", async () => {
    const file = await plays(5);
    for (const length of [0, 1, 7, 8, 12, 40, file.byteLength - 1]) {
      expect(await refusedAfter(file.subarray(0, length)), `${length} bytes`).toBe(true);
      expect(await refusedAfter(file.subarray(file.byteLength - length)), `last ${length}`).toBe(true);
    }
  });

  it("has pages outside of it, columns in other files, is encrypted, or has fields of a later format", async () => {
    const pages = [page(1, 0, [0, 0, 0, 0, 0, 0, 0, 0])];
    const plain = { rows: 1, pages, optional: false };
    const chunk = (place: number, size: number, path?: string) =>
      fileOf(pages[0] ?? new Uint8Array(0), [
        [1, i32(1)],
        [
          2,
          {
            structs: [
              [
                [4, text("schema")],
                [5, i32(1)],
              ],
              [
                [1, i32(TYPE.INT64)],
                [3, i32(0)],
                [4, text("a")],
              ],
            ],
          },
        ],
        [3, i64(1)],
        [
          4,
          {
            structs: [
              [
                [
                  1,
                  {
                    structs: [
                      [
                        ...(path === undefined ? [] : [[1, text(path)] as const]),
                        [2, i64(4)],
                        [3, struct([7, i64(size)], [9, i64(place)])],
                      ],
                    ],
                  },
                ],
                [3, i64(1)],
              ],
            ],
          },
        ],
      ]);
    const size = pages[0]?.byteLength ?? 0;
    expect(joined([hostileFile(plain), hostileFile(plain)])).toBeDefined();
    expect(joined([chunk(4, size)])).toBeDefined();
    for (const file of [
      chunk(4, size + 1),
      chunk(5, size),
      chunk(3, 1),
      chunk(-1, 1),
      chunk(4, -1),
      chunk(2 ** 60, 1),
      chunk(4, 2 ** 60),
      chunk(4, size, "other.parquet"),
      hostileFile({ ...plain, footer: [[8, struct([1, struct()])]] }),
      hostileFile({ ...plain, footer: [[20, i64(4)]] }),
    ]) {
      expect(joined([file])).toBeUndefined();
    }
  });
});

it("never turns a file that DuckDB cannot read into one that it can, whatever byte is damaged", async () => {
  const [first, last] = [await plays(40), await plays(3)];
  const good = await plays(20, 7);
  const others = sumOf([await digest(first), await digest(last)]);
  const outcomes = { refused: 0, unreadable: 0, read: 0 };
  const random = new Random(SEED);
  for (let at = 0; at < good.byteLength; at++) {
    const bytes = good.slice();
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    const whole = joined([first, bytes, last]);
    if (whole === undefined) {
      outcomes.refused++;
      continue;
    }
    const alone = await digest(bytes);
    const found = await digest(whole);
    const what = `byte ${at} of ${good.byteLength} is ${bytes[at]}`;
    if (found === undefined) outcomes.unreadable++;
    else {
      outcomes.read++;
      expect(alone, what).toBeDefined();
      expect(found, what).toEqual(sumOf([alone, others]));
    }
  }
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(0);
});

it("throws for no damaged footer, and reads none differently", async () => {
  const file = await plays(30);
  const random = new Random(SEED);
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    const bytes = file.slice();
    for (let i = 1 + random.below(3); i > 0; i--) {
      bytes[bytes.byteLength - 1 - random.below(200)] = random.below(256);
    }
    const whole = joined([bytes, bytes]);
    if (whole === undefined) refused++;
    else {
      const alone = await rowsOf(bytes).catch(codeOf);
      const found = await rowsOf(whole).catch(codeOf);
      expect(found).toEqual(Array.isArray(alone) ? [...alone, ...alone] : alone);
    }
  }
  expect(refused).toBeGreaterThan(1000);
  expect(refused).toBeLessThan(4000);
});

function codeOf(error: unknown): string {
  if (!isStorageError(error)) throw error;
  return error.code;
}
