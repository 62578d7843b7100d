import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { Storage, type StorageBackend } from "@parquetry/core";
import { startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery } from "../src/index.ts";
import { buildRealTree, makeFootballTree, SHARED_DATA } from "./football-tree.ts";
import { FORTY_QUERIES } from "./forty-queries.ts";
import { openServer, TEST_SERVERS, upload } from "./test-servers.ts";

/** `PARQUETRY_TREE_GAMES=148` makes the tree of 26,640 files of plays: 12 seasons of 15 weeks. */
const GAMES = Number(process.env["PARQUETRY_TREE_GAMES"] ?? 0);
const SIZE = GAMES > 0 ? { seasons: 12, weeks: 15, games: GAMES } : { seasons: 3, weeks: 4, games: 5 };
const LONG_MS = GAMES > 0 ? 3_600_000 : 180_000;

const hasReal = existsSync(join(SHARED_DATA, "build-cfb.mjs"));
if (!hasReal) console.log("SKIPPED: the real football data, which is not next to this checkout.");
const TREES = [
  { tree: "a made tree", make: (c: DuckDBConnection, root: string) => makeFootballTree(c, root, SIZE) },
  ...(hasReal
    ? [{ tree: "the real tree", make: (_: DuckDBConnection, root: string) => buildRealTree(root) }]
    : []),
];

describe.each(TREES)("$tree", ({ make }) => {
  let root: string;
  let instance: DuckDBInstance;
  let oracle: DuckDBConnection;
  let local: StorageBackend;
  const expected: string[] = [];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "parquetry-forty-"));
    instance = await DuckDBInstance.create(":memory:");
    oracle = await instance.connect();
    await oracle.run("SET TimeZone = 'UTC'; SET disabled_optimizers = 'join_filter_pushdown'");
    const tree = join(root, "tree");
    await make(oracle, tree);
    local = await createLocalBackend({ root: tree });
    for (const entity of ["raw/plays", "raw/games", "raw/teams"]) {
      await oracle.run(
        `CREATE TABLE "${entity}" AS FROM read_parquet('${tree}/${entity}/**/*.parquet', hive_partitioning = true, union_by_name = true)`,
      );
    }
    for (const sql of FORTY_QUERIES) {
      const rows = await (await oracle.runAndReadAll(sql)).getRowObjectsJson();
      expected.push(text(rows));
    }
  }, LONG_MS);

  afterAll(async () => {
    oracle?.closeSync();
    instance?.closeSync();
    await rm(root, { recursive: true, force: true });
  });

  async function compare(backend: StorageBackend): Promise<void> {
    const cacheDirectory = join(root, `cache-${randomUUID()}`);
    await using db = await openQuery(new Storage(backend), { cacheDirectory });
    let pruned = 0;
    for (const [i, sql] of FORTY_QUERIES.entries()) {
      const { rows, stats } = await db.sql(sql);
      expect(text(rows), sql).toBe(expected[i]);
      if (stats.tables.some(({ levels }) => levels.some(({ kept, total }) => kept < total))) pruned++;
      expect(stats.unpruned, sql).toBeUndefined();
    }
    // If nothing were pruned, equal answers would prove nothing.
    expect(pruned).toBeGreaterThanOrEqual(28);
  }

  it("has different answers to most queries, so that equal answers prove something", () => {
    expect(new Set(expected).size).toBeGreaterThan(30);
  });

  it("returns what DuckDB returns over all rows, on disk", () => compare(local), LONG_MS);

  it(
    "returns what DuckDB returns over all rows, over S3",
    async () => {
      await using server = await startS3Server({ buckets: ["football"] });
      const { endpoint, credentials } = server;
      const backend = createS3Backend({ bucket: "football", endpoint, credentials });
      await upload(local, backend);
      await compare(backend);
      await backend.close();
    },
    LONG_MS,
  );

  it.each(TEST_SERVERS)(
    "returns what DuckDB returns over all rows, over $name",
    async (server) => {
      const backend = openServer(server, "forty");
      await upload(local, backend);
      await compare(backend);
      await backend.close();
    },
    LONG_MS,
  );
});

/** Numbers as strings: a bigint here is a string there. */
function text(rows: readonly unknown[]): string {
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === "bigint" || typeof value === "number" ? String(value) : value,
  );
}
