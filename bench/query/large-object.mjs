// One object of about 200 MB over S3: how many bytes a query of few columns or few rows downloads.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";
import { openHttpfs } from "./httpfs.mjs";

const ROWS = 2_000_000;
const QUESTIONS = {
  "1 of 16 columns": "SELECT count(*) AS n, sum(c3) AS s FROM big",
  "a few rows by id": "SELECT count(*) AS n, sum(c5) AS s FROM big WHERE id BETWEEN 700000 AND 700100",
  "all columns": "SELECT count(*) AS n, max(b) AS s FROM (SELECT hash(big) AS b FROM big)",
};

export async function benchLargeObject(work, connection, server, openBackend, extension) {
  const file = join(work, "big.parquet");
  const columns = Array.from({ length: 15 }, (_, i) => `hash(range * ${2 * i + 3}) % 1000003 AS c${i}`);
  await connection.run(
    `COPY (SELECT range AS id, ${columns.join(", ")} FROM range(${ROWS})) TO '${file}' (FORMAT parquet)`,
  );
  const bytes = await readFile(file);
  const backend = openBackend();
  await backend.put("raw/big/year=2024/a.parquet", bytes);
  await backend.close();
  console.log(`\nOne object of ${bytes.byteLength} bytes, ${ROWS} rows, over S3\n`);
  console.log(
    "| latency | question | contender | cold ms | cold requests | cold bytes | again ms | again requests |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const latencyMs of [0, 30]) {
    await server.setLatency(latencyMs);
    for (const [question, sql] of Object.entries(QUESTIONS)) {
      const contenders = {
        ours: () => ours(work, openBackend(), {}),
        ...(extension === undefined
          ? {}
          : {
              "ours, httpfs": () =>
                ours(work, openBackend(), { remote: "httpfs", httpfsExtension: extension }),
              "DuckDB httpfs": async () => {
                const duckdb = await openHttpfs(extension, server);
                const table = "read_parquet('s3://football/raw/big/year=2024/a.parquet')";
                return {
                  ask: (text) => duckdb.ask(text.replaceAll("FROM big", `FROM ${table} big`)),
                  close: async () => duckdb.close(),
                };
              },
            }),
      };
      for (const [name, open] of Object.entries(contenders)) {
        const contender = await open();
        await server.counts();
        const cold = await measured(server, () => contender.ask(sql));
        const again = await measured(server, () => contender.ask(sql));
        await contender.close();
        console.log(
          `| ${latencyMs} ms | ${question} | ${name} | ${cold.ms} | ${cold.requests} | ${cold.bytes} | ${again.ms} | ${again.requests} |`,
        );
      }
    }
  }
}

async function ours(work, backend, options) {
  const cacheDirectory = join(work, "cache-big");
  await rm(cacheDirectory, { recursive: true, force: true });
  const storage = new Storage(backend);
  const db = await openQuery(storage, { cacheDirectory, ...options });
  await db.describe("big");
  return {
    ask: (sql) => db.sql(sql),
    async close() {
      await db.close();
      await storage.close();
    },
  };
}

async function measured(server, run) {
  const started = performance.now();
  await run();
  const ms = (performance.now() - started).toFixed(0);
  const { bytesOut, ...operations } = await server.counts();
  return { ms, bytes: bytesOut, requests: Object.values(operations).reduce((sum, n) => sum + n, 0) };
}
