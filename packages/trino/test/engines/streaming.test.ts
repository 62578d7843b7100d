import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { createS3Backend } from "@parquetry/backend-s3";
import { parseKey, Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";
import { afterAll, beforeAll, expect, it } from "vitest";
import { registerTable, TrinoClient, type TrinoOptions } from "../../src/index.ts";
import { describeTrino, newS3Backend, newSchema, TEST_TRINO } from "../support/test-trino.ts";

/** `pnpm test:engines` streams ten million. */
const ROWS = Number(process.env["PARQUETRY_TEST_STREAM_ROWS"] ?? 3_000_000);
/** A third of what three million rows take as objects: a result that is collected does not fit. */
const HEAP_MB = 96;

let storage: Storage;
let connection: TrinoOptions;

/** Streams a table in a process whose heap holds a small part of it, and prints what it saw. */
const program = (prefix: string, session: object): string => `
import { createS3Backend } from ${JSON.stringify(import.meta.resolve("@parquetry/backend-s3"))};
import { parseKey, Storage } from ${JSON.stringify(import.meta.resolve("@parquetry/core"))};
import { openQuery } from ${JSON.stringify(import.meta.resolve("@parquetry/query"))};
import { trino } from ${JSON.stringify(import.meta.resolve("@parquetry/trino"))};
const s3 = { ...${JSON.stringify(TEST_TRINO.s3)}, prefix: parseKey(${JSON.stringify(prefix)}) };
const storage = new Storage(createS3Backend(s3));
const engine = trino({ ...${JSON.stringify(connection)}, session: ${JSON.stringify(session)} });
const db = await openQuery(storage, { engine });
const started = performance.now();
let [rows, sum, digits] = [0, 0, 0n];
for await (const batch of db.stream("SELECT n, big, name FROM wide")) {
  for (const { n, big, name } of batch) {
    sum += n;
    digits += big;
    if (name !== "name of " + n) throw new Error(name);
  }
  rows += batch.length;
}
await db.close();
await storage.close();
const rssMb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ rows, sum, digits: String(digits), ms: Math.round(performance.now() - started), rssMb }));
`;

describeTrino("a result of millions of rows", () => {
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "parquetry-stream-"));
    try {
      const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
      const file = join(folder, "f.parquet");
      await duckdb.run(
        `COPY (SELECT i AS n, 9007199254740993 + i AS big, 'name of ' || i AS name FROM range(${ROWS}) t(i)) TO '${file}' (FORMAT parquet)`,
      );
      duckdb.closeSync();
      storage = new Storage(newS3Backend());
      await storage.backend.put(parseKey("raw/wide/k=0/f.parquet"), await readFile(file));
    } finally {
      await rm(folder, { recursive: true });
    }
    const client = await newSchema();
    await using here = await openQuery(storage);
    await registerTable(client, storage.backend, await here.describe("wide"));
    const { url, catalog } = TEST_TRINO;
    connection = { url, catalog, schema: client.schema };
  }, 300_000);

  afterAll(() => storage.close());

  it.each([true, false])(
    "is stored as objects exactly where the session allows it: %s",
    async (spooling_enabled) => {
      // Otherwise the first rows come with the answer.
      const session = { spooling_enabled, spooling_inlining_enabled: false };
      const client = new TrinoClient({ ...connection, session });
      const before = new Set(await storedSegments());
      const result = await client.open("SELECT n FROM wide");
      const batches = result.batches();
      expect((await batches.next()).value?.rowCount).toBeGreaterThan(0);
      const stored = (await storedSegments()).filter((name) => !before.has(name));
      await batches.return(undefined);
      expect(stored.length > 0).toBe(spooling_enabled);
    },
  );

  it.each([true, false])(
    "ends on the cluster when it is aborted: spooling_enabled %s",
    async (spooling_enabled) => {
      const client = new TrinoClient({ ...connection, session: { spooling_enabled } });
      const controller = new AbortController();
      const result = await client.open("SELECT * FROM wide", { signal: controller.signal });
      const batches = result.batches();
      await batches.next();
      controller.abort();
      await expect(
        (async () => {
          for await (const _ of batches);
        })(),
      ).rejects.toMatchObject({ code: "aborted" });
      const sql = "SELECT state, error_code FROM system.runtime.queries WHERE query_id = ?";
      await expect
        .poll(() => client.rows(sql, { parameters: [result.queryId] }), { timeout: 30_000 })
        .toEqual([["FAILED", "USER_CANCELED"]]);
    },
  );

  // Next to the heap are the buffers. Those of three million rows take 130 MB if they are collected.
  it.each([
    ["the spooling protocol", { spooling_enabled: true }, 280],
    ["pages of the coordinator", { spooling_enabled: false }, 220],
  ])(
    "streams in flat memory, and every value is exact: %s",
    async (name, session, rssMb) => {
      const prefix = storage.backend.url().split("/").at(-1) ?? "";
      const { stdout } = await promisify(execFile)(process.execPath, [
        `--max-old-space-size=${HEAP_MB}`,
        "--input-type=module",
        "-e",
        program(prefix, session),
      ]);
      console.log(name, stdout.trim());
      const found = JSON.parse(stdout);
      const sum = (ROWS * (ROWS - 1)) / 2;
      expect(found).toMatchObject({
        rows: ROWS,
        sum,
        digits: String(9007199254740993n * BigInt(ROWS) + BigInt(sum)),
      });
      expect(found.rssMb).toBeLessThan(rssMb);
    },
    600_000,
  );
});

/** The objects that Trino spools results to. */
async function storedSegments(): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { objects } of createS3Backend(TEST_TRINO.spool).list({ prefix: parseKey("spooled") }))
    names.push(...objects.map(({ key }) => key));
  return names;
}
