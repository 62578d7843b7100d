// Bundles the page, opens it in Chromium, and checks on this side what it read from the store and what it wrote into it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { partition, Storage } from "@parquetry/core";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";
import { createKeyValueBackend } from "../custom-backend/key-value-backend.mjs";
import { KeyValueStore } from "../custom-backend/key-value-store.mjs";
import { serveStore } from "./serve-store.mjs";

const CODECS = ["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4_raw"];

/** Bundles the page. Core's own `imports` choose what it needs of a browser, and no option is needed for it. */
async function bundlePage() {
  const bundle = await rolldown({ input: join(import.meta.dirname, "page.mjs"), platform: "browser" });
  const [page, ...others] = (await bundle.generate({ format: "esm", minify: true })).output;
  await bundle.close();
  assert.deepEqual(others, [], "the page is one file");
  assert.deepEqual(page.imports, [], "it needs nothing of Node");
  return page.code;
}

/** Writes a table of this package, and files by DuckDB in every codec. */
async function fill(store) {
  const storage = new Storage(createKeyValueBackend(store));
  for (const year of [2023, 2024]) {
    const rows = ["Rice", "Tulane", "Rice"].map((team, i) => ({
      id: 2n ** 60n + BigInt(i),
      team,
      yards: i / 4,
    }));
    await storage.write("raw/plays", rows, partition({ year, week: 1 }));
  }
  await store.set("raw/scores/year=2024/a.csv.gz", gzipSync("team,points\nSan José State,7\n"));
  const folder = await mkdtemp(join(tmpdir(), "parquetry-browser-"));
  const connection = await (await DuckDBInstance.create()).connect();
  try {
    for (const codec of CODECS) {
      const file = join(folder, `${codec}.parquet`);
      await connection.run(
        `COPY (SELECT i, 'text ' || i % 7 AS text FROM range(2000) r(i)) TO '${file}' (FORMAT parquet, COMPRESSION ${codec})`,
      );
      await store.set(`raw/codecs/codec=${codec}/rows.parquet`, new Uint8Array(await readFile(file)));
    }
  } finally {
    connection.closeSync();
    await rm(folder, { recursive: true });
  }
}

/** Runs the page in Chromium and returns what it found. */
async function open(url) {
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(url);
    await page.waitForFunction(() => globalThis.found !== undefined);
    // Numbers that JSON has not.
    return await page.evaluate(() => globalThis.found);
  } finally {
    await browser.close();
  }
}

function chromiumPath() {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // The next one.
    }
  }
  return undefined;
}

if (chromiumPath() === undefined) {
  if (process.env.PARQUETRY_REQUIRE_ENGINES === "1")
    throw new Error("needs chromium: apt-get install chromium");
  console.log("SKIPPED: there is no chromium, so the page was not opened.");
  process.exit();
}

const store = new KeyValueStore();
await fill(store);
const code = await bundlePage();
const html =
  '<!doctype html><meta charset="utf-8"><title>Parquetry</title><script type="module" src="/page.js"></script>';
const server = await serveStore(store, {
  "/": { body: html, type: "text/html" },
  "/page.js": { body: code, type: "text/javascript" },
});
try {
  const found = await open(server.url);
  assert.equal(found.error, undefined);
  assert.deepEqual(found.plays[0], { id: 2n ** 60n, team: "Rice", yards: 0, year: "2024", week: "1" });
  assert.equal(found.plays.length, 3);
  for (const codec of CODECS) {
    const rows = found.codecs.filter((row) => row.codec === codec);
    assert.deepEqual(
      rows.map(({ i, text }) => [Number(i), text]),
      Array.from({ length: 2000 }, (_, i) => [i, `text ${i % 7}`]),
      codec,
    );
  }
  assert.deepEqual(found.scores, [{ team: "San José State", points: 7, year: "2024" }]);
  assert.equal(found.written, 2);
  assert.deepEqual(found.lost, ["conflict", "conflict"]);
  assert.equal(found.winners.length, 1);
  assert.equal(found.untrusted, "not_supported");

  const storage = new Storage(createKeyValueBackend(store));
  const teams = await storage.readIndex("processed/teams");
  assert.deepEqual(
    teams.map(({ team, plays, when }) => [team, Number(plays), when?.toISOString?.() ?? when]),
    [
      ["Rice", 2, "2024-09-01T00:00:00.000Z"],
      ["Tulane", 1, "2024-09-01T00:00:00.000Z"],
      ["Navy", 1, null],
    ],
  );
  assert.equal((await storage.readCsv("processed/teams.csv")).length, 2);
  console.log(
    `A page of ${Math.round(code.length / 1000)} kB read ${found.plays.length} plays and six codecs, and wrote ${teams.length} rows, which Node reads.`,
  );
} finally {
  server.close();
}
