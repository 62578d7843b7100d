import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLocalBackend } from "@parquetry/backend-local";
import { Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

let cacheDirectory: string;
let storage: Storage;
let db: QueryDatabase;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-unsupported-"));
  const root = fileURLToPath(new URL("golden", import.meta.url));
  storage = new Storage(await createLocalBackend({ root }));
  db = await openQuery(storage, { cacheDirectory });
});

afterAll(async () => {
  await db?.close();
  await rm(cacheDirectory, { recursive: true, force: true });
});

describe("a good file that DuckDB cannot read", () => {
  it.each([
    ["split", "int32", "BYTE_STREAM_SPLIT"],
    ["split", "int64", "BYTE_STREAM_SPLIT"],
    ["split", "decimal", "BYTE_STREAM_SPLIT"],
    ["codec", "hadoop", "codec LZ4"],
    ["encrypted_file", "1", "is encrypted"],
    ["encrypted_column", "1", "is encrypted"],
  ])("is not_supported and named: %s, %s", async (table, kind, reason) => {
    const run = db.sql(`SELECT sum(i) AS s FROM ${table} WHERE kind = '${kind}'`);
    const path = `${table}/kind=${kind}/a.parquet`;
    await expect(run).rejects.toMatchObject({ code: "not_supported", path });
    await expect(run).rejects.toThrow(reason);
    await expect(run).rejects.not.toThrow("restore");
  });

  it.each([
    ["split", "int32", 99],
    ["split", "int64", 99],
    ["split", "decimal", "99.00"],
    ["codec", "hadoop", 99],
  ])("is read by readIndex: %s, %s", async (table, kind, last) => {
    const rows = await storage.readIndex(table, { kind });
    expect(rows).toHaveLength(100);
    expect(rows.at(-1)).toMatchObject({ i: last });
  });

  it("is found among files that can be read", async () => {
    await expect(db.sql("SELECT sum(i) FROM mixed")).rejects.toMatchObject({
      code: "not_supported",
      path: "mixed/kind=2/a.parquet",
    });
    expect((await db.sql("SELECT sum(i) AS s FROM mixed WHERE kind <> 2")).rows).toEqual([{ s: 90 }]);
  });
});
