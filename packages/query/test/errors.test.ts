import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, parseKey, partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

let cacheDirectory: string;
let storage: Storage;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-errors-"));
  storage = new Storage(createMemoryBackend());
  for (const year of [2023, 2024]) await storage.write("raw/plays", [{ team: "Rice" }], partition({ year }));
});

afterAll(() => rm(cacheDirectory, { recursive: true, force: true }));

describe.each([false, true])("with isolate: %s", (isolate) => {
  let db: QueryDatabase;

  beforeAll(async () => {
    db = await openQuery(storage, { cacheDirectory, isolate });
  });

  afterAll(() => db.close());

  it.each<[string, object, RegExp]>([
    [
      "SELECT 1 FORM x",
      { code: "invalid_argument", storeCode: "Parser" },
      /\n\nLINE 1: SELECT 1 FORM x\n {22}\^$/,
    ],
    [
      "SELECT tema FROM plays",
      { storeCode: "Binder" },
      /"tema" not found.*Did you mean "team"\?\n\nLINE 1: SELECT tema/,
    ],
    ["SELECT zzzzzz FROM plays", { storeCode: "Binder" }, /Columns are year, team\.\n\nLINE 1: /],
    ["SELECT nofn(team) FROM plays", { storeCode: "Catalog" }, /nofn does not exist/],
    ["SELECT team::INTEGER FROM plays", { storeCode: "Conversion" }, /'Rice'/],
    // Words in the caller's data decide nothing.
    [
      "SELECT error('IO Error: No such file or directory')",
      { code: "invalid_argument", path: undefined },
      /No such/,
    ],
    [
      "SELECT error('Snappy Corrupt INTERRUPT Error: ' || team) FROM plays",
      { code: "invalid_argument" },
      /Rice/,
    ],
  ])("explains %s", async (sql, expected, message) => {
    await expect(db.sql(sql)).rejects.toMatchObject({
      code: "invalid_argument",
      ...expected,
      message: expect.stringMatching(message),
    });
    await expect(db.toParquet(sql)).rejects.toMatchObject({ message: expect.stringMatching(message) });
    await expect(db.sql(sql, [], { maxRows: 5 })).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
  });
});

it("names the files of a folder that no query reads", async () => {
  const storage = new Storage(createMemoryBackend());
  for (const key of ["raw/plays/k=1/a.parquet", "raw/old/a.orc", "raw/old/b.json", "top/a.avro"])
    await storage.backend.put(parseKey(key), new Uint8Array([1]));
  await using db = await openQuery(storage, { cacheDirectory, isolate: false });
  for (const name of ["old", '"raw/old"'])
    await expect(db.sql(`FROM ${name}`)).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("raw/old/a.orc, raw/old/b.json. Parquet and CSV files are read"),
    });
  await expect(db.sql("FROM top")).rejects.toThrow("top/a.avro");
  await expect(db.sql("FROM absent")).rejects.toThrow('There is "raw/plays"');
});
