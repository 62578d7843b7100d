import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { createR2Backend, createS3Backend } from "@parquetry/backend-s3";
import { createMemoryBackend, partition, Storage, type StorageBackend } from "@parquetry/core";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery } from "../src/index.ts";

let folder: string;
let s3: S3Server;
let r2: S3Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-stores-"));
  s3 = await startS3Server({ buckets: ["football"] });
  r2 = await startS3Server({ buckets: ["football"], profile: "r2" });
});

afterAll(async () => {
  await s3?.[Symbol.asyncDispose]();
  await r2?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const QUERIES = [
  "SELECT * FROM plays WHERE year = 2024 AND week = 2 ORDER BY ALL",
  "SELECT year, sum(yards) AS s, count(*) AS c FROM plays GROUP BY year ORDER BY year",
  "SELECT p.team, g.score FROM plays p JOIN games g ON p.year = g.year WHERE g.year = 2023 ORDER BY ALL",
  "WITH late AS (SELECT * FROM plays WHERE week > 1) SELECT team, yards FROM late WHERE year IN (2022, 2024) ORDER BY ALL",
  "SELECT count(*) AS c FROM plays WHERE year = 1900",
] as const;

async function answers(backend: StorageBackend, name: string): Promise<unknown> {
  const storage = new Storage(backend);
  for (const year of [2022, 2023, 2024]) {
    for (const week of [1, 2, 3]) {
      const rows = ["Hawai'i", "Texas A&M"].map((team, i) => ({
        team,
        yards: year * week + i,
        at: new Date(year),
      }));
      await storage.write("raw/plays", rows, partition({ year, week }));
    }
    await storage.writeCsv(`raw/games/year=${year}/games.csv`, [{ score: year / 2 }]);
  }
  await using db = await openQuery(storage, { cacheDirectory: join(folder, `cache-${name}`) });
  const found: unknown[] = [];
  for (const sql of QUERIES) found.push(await db.sql(sql).then(({ rows, columns }) => ({ rows, columns })));
  return found;
}

describe("every store", () => {
  it("returns the same rows and columns", async () => {
    const expected = await answers(createMemoryBackend(), "memory");
    await mkdir(join(folder, "root"));
    expect(await answers(await createLocalBackend({ root: join(folder, "root") }), "local")).toEqual(
      expected,
    );
    for (const [server, name] of [
      [s3, "s3"],
      [r2, "r2"],
    ] as const) {
      const { endpoint, credentials } = server;
      const backend =
        name === "s3"
          ? createS3Backend({
              bucket: "football",
              endpoint,
              region: server.region,
              forcePathStyle: true,
              credentials,
            })
          : createR2Backend({ bucket: "football", endpoint, accountId: "0".repeat(32), credentials });
      expect(await answers(backend, name), name).toEqual(expected);
      await backend.close();
    }
  });
});
