import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createLocalBackend } from "@parquetry/backend-local";
import { type Partition, partition, type Row, Storage } from "@parquetry/core";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";
import { NASTY_VALUES } from "./nasty-values.ts";

const run = promisify(execFile);
const python = process.env["PARQUETRY_PYTHON"] ?? "python3";
let root: string;
let storage: Storage;
let db: QueryDatabase;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-names-"));
  storage = new Storage(await createLocalBackend({ root }));
  db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
});

afterAll(async () => {
  await db?.close();
  await rm(root, { recursive: true, force: true });
});

const count = NASTY_VALUES.length;

/** The value of the key in ASCII, so that only the folder's name can be misread. */
const rowsOf = (key: string): Row[] => [{ expected: encodeURIComponent(key) }];
const misread = (rows: readonly Row[]): readonly Row[] =>
  rows.filter(({ k, expected }) => typeof k !== "string" || encodeURIComponent(k) !== expected);

/** The rows of an entity by SQL, with the key as DuckDB has it. */
async function bySql(entity: string): Promise<readonly Row[]> {
  const { rows } = await db.sql(`SELECT hex(k) AS k, expected FROM ${entity}`);
  return rows.map(({ k, expected }) => ({ k: Buffer.from(String(k), "hex").toString(), expected }));
}

/** Skips a test of other engines where Python lacks them, unless they are required. */
async function needsPython(modules: string, skip: (reason: string) => void): Promise<void> {
  const found = await run(python, ["-c", `import ${modules}`]).then(
    () => true,
    () => false,
  );
  if (found) return;
  const reason = `${python} lacks one of ${modules}; set PARQUETRY_PYTHON to a Python that has them`;
  if (process.env["PARQUETRY_REQUIRE_PYARROW"] === "1" && modules === "pyarrow") throw new Error(reason);
  skip(reason);
}

describe(`${count} values of a partition key`, () => {
  beforeAll(async () => {
    await storage.replacePartitions(
      "nasty",
      NASTY_VALUES.map((k) => ({ partition: partition({ k }), rows: rowsOf(k) })),
    );
  });

  it("have a folder each, and are read back by readIndex and SQL, together and one by one", async () => {
    expect(await readdir(join(root, "nasty"))).toHaveLength(count);
    const rows = await storage.readIndex("nasty");
    expect([rows.length, misread(rows)]).toEqual([count, []]);
    const found = await bySql("nasty");
    expect([found.length, misread(found)]).toEqual([count, []]);
    for (const k of NASTY_VALUES.filter((_, i) => i % 12 === 0)) {
      const expected = encodeURIComponent(k);
      expect(await storage.readIndex("nasty", { k })).toEqual([{ k, expected }]);
      const { rows: selected } = await db.sql("SELECT expected FROM nasty WHERE k = $k", { k });
      expect(selected).toEqual([{ expected }]);
    }
  });

  it.for([
    ["pandas", `pandas.read_parquet(root)[["k", "expected"]].astype(str).values.tolist()`],
    [
      "pyarrow.dataset",
      `[[r["k"], r["expected"]] for r in pyarrow.dataset.dataset(root, partitioning="hive").to_table().to_pylist()]`,
    ],
    [
      "polars",
      `polars.scan_parquet(root + "/**/*.parquet", hive_partitioning=True).select("k", "expected").collect().rows()`,
    ],
    ["duckdb", `duckdb.sql(f"SELECT k, expected FROM read_parquet('{root}/**/*.parquet')").fetchall()`],
  ] as const)("are read back by %s", async ([module, read], { skip }) => {
    await needsPython(module, skip);
    const program = `import json, sys, ${module}
root = sys.argv[1]
print(json.dumps([list(row) for row in ${read}]))`;
    const { stdout } = await run(python, ["-c", program, join(root, "nasty")], { maxBuffer: 1e8 });
    const found: readonly (readonly unknown[])[] = JSON.parse(stdout);
    const rows = found.map(([k, expected]) => ({ k, expected }));
    expect([rows.length, misread(rows)]).toEqual([count, []]);
  });
});

/** The URL encoding of DuckDB and pyarrow. */
const asUrl = (value: string): string =>
  encodeURIComponent(value).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
/** As older systems: no escape but for `%`, `/` and control characters, with which DuckDB sees no key in a path. */
const raw = (value: string): string => value.replace(/[%/\p{Cc}]/gu, asUrl);

/** Fewer, since every write lists all folders. */
const SOME = NASTY_VALUES.filter(
  (value, i) => asUrl(value) !== value && asUrl(value).length < 250 && (i < 54 || i % 8 === 0),
);

describe.each([
  ["URL-encoded, as by DuckDB and pyarrow", asUrl],
  ["raw, as by older systems", raw],
])("a tree whose folders are %s", (_, spell) => {
  const entity = `tree_${spell.name}`;
  const folders = (): Promise<string[]> => readdir(join(root, entity));

  beforeAll(async () => {
    for (const value of SOME) {
      const folder = join(root, entity, `k=${spell(value)}`);
      await mkdir(folder, { recursive: true });
      await writeFile(
        join(folder, "a.parquet"),
        await encodeParquet(rowsOf(value), [{ name: "expected", type: "string" }]),
      );
    }
  });

  it("is read by its values, and every write meets the folder that exists", async () => {
    const before = await folders();
    const check = async (rows: number): Promise<void> => {
      expect(await folders()).toEqual(before);
      const read = await storage.readIndex(entity);
      expect([read.length, misread(read)]).toEqual([rows * SOME.length, []]);
      const found = await bySql(entity);
      expect([found.length, misread(found)]).toEqual([rows * SOME.length, []]);
    };
    await check(1);
    for (const k of SOME) await storage.write(entity, rowsOf(k), partition({ k }), { overwrite: false });
    await check(2);
    expect(await db.compact(entity)).toMatchObject({ compacted: { length: SOME.length }, failed: [] });
    await check(2);
    await storage.replacePartitions(
      entity,
      SOME.map((k) => ({ partition: partition({ k }), rows: rowsOf(k) })),
    );
    await check(1);
  });
});

describe("a partition that has two folders of the same values", () => {
  const at = (): Partition => partition({ k: "Texas A&M" });

  it("is read from both by readIndex and SQL, and is not written or compacted until they are one", async () => {
    for (const folder of ["k=Texas A&M", "k=Texas%20A%26M"]) {
      await mkdir(join(root, "twice", folder), { recursive: true });
      await writeFile(
        join(root, "twice", folder, "a.parquet"),
        await encodeParquet([{ id: folder.length }], [{ name: "id", type: "int64" }]),
      );
    }
    const both = [
      { id: 11, k: "Texas A&M" },
      { id: 15, k: "Texas A&M" },
    ];
    expect(await storage.readIndex("twice", { k: "Texas A&M" })).toEqual(both);
    expect((await db.sql("SELECT id, k FROM twice WHERE k = 'Texas A&M' ORDER BY id")).rows).toEqual(both);
    const refused = {
      code: "invalid_path",
      message: expect.stringMatching(/"k=Texas A&M" and as "k=Texas%20A%26M"/),
    };
    await expect(storage.write("twice", [{ id: 1 }], at())).rejects.toMatchObject(refused);
    const { failed } = await db.compact("twice");
    expect(failed.map(({ error }) => error)).toEqual([expect.objectContaining(refused)]);
    expect(await storage.readIndex("twice")).toEqual(both);
  });
});
