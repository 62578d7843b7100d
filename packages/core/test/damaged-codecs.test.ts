import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryBackend, isStorageError, parseKey, type Row, Storage } from "../src/index.ts";
import { Random } from "./support/random-table.ts";

/** Damaged files of each codec and version of Parquet. `PARQUETRY_FUZZ` is the number of the long run. */
const FILES = Number(process.env["PARQUETRY_FUZZ"] ?? 60);
const CODECS = ["snappy", "gzip", "zstd", "lz4_raw", "brotli"];

describe.each(CODECS)("a file of the codec %s with damaged pages", (codec) => {
  const files: Uint8Array[] = [];
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parquetry-codecs-"));
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    for (const version of ["V1", "V2"]) {
      const path = join(folder, `${version}.parquet`);
      await connection.run(
        `COPY (SELECT i, i / 3 AS real, 'row ' || i % 50 AS text, [i, i + 1] AS list, md5(i::VARCHAR) AS long
          FROM range(1500) t(i)) TO '${path}' (FORMAT parquet, COMPRESSION ${codec}, PARQUET_VERSION ${version})`,
      );
      files.push(await readFile(path));
    }
    connection.closeSync();
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it.each(["a byte", "many bytes", "zeros", "the end of a page"])(
    "is corrupt, by its name, or has other values of the same types: %s",
    async (damage) => {
      let refused = 0;
      for (const [version, good] of files.entries()) {
        const footer =
          good.length - 8 - new DataView(good.buffer, good.byteOffset + good.length - 8).getUint32(0, true);
        for (let seed = 0; seed < FILES; seed++) {
          const random = new Random(seed * 7 + version);
          const bytes = Uint8Array.from(good);
          const at = 4 + random.below(footer - 4);
          if (damage === "a byte") bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
          if (damage === "many bytes")
            for (let i = at; i < Math.min(footer, at + 40); i++) bytes[i] = random.below(256);
          if (damage === "zeros") bytes.fill(0, at, Math.min(footer, at + 200));
          if (damage === "the end of a page") bytes.copyWithin(at, at + 1, footer);
          const storage = new Storage(createMemoryBackend());
          await storage.backend.put(parseKey("damaged.parquet"), bytes);
          try {
            const rows: Row[] = await storage.readParquet("damaged.parquet");
            expect(rows).toHaveLength(1500);
          } catch (error) {
            if (!isStorageError(error)) throw error;
            expect({ code: error.code, message: error.message }).toEqual({
              code: "corrupt",
              message: expect.stringContaining("damaged.parquet"),
            });
            refused++;
          }
        }
      }
      expect(refused).toBeGreaterThan(FILES / 20);
    },
    60_000 + FILES * 1_000,
  );
});
