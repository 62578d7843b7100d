import { execFile } from "node:child_process";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { type ColumnSchema, createMemoryBackend, parseKey, type Row, Storage } from "../src/index.ts";
import { exactRows } from "./support/exact-rows.ts";
import { Random, randomTable } from "./support/random-table.ts";

/** Tables that are written and read. */
const TABLES = Number(process.env["PARQUETRY_FUZZ"] ?? 50);
const FIRST_SEED = Number(process.env["PARQUETRY_SEED"] ?? 0);
/** Tables that one process of Python reads. */
const AT_ONCE = 100;
const PYTHON = process.env["PARQUETRY_PYTHON"] ?? "python3";
const run = promisify(execFile);

/** Writes a table as rows, columns or batches, and returns the file. */
async function written(
  seed: number,
  rows: readonly Row[],
  schema: readonly ColumnSchema[],
): Promise<Uint8Array> {
  const storage = new Storage(createMemoryBackend());
  const random = new Random(seed ^ 0x5eed);
  async function* batches(): AsyncGenerator<readonly Row[]> {
    for (let at = 0; at < rows.length; ) {
      const end = at + 1 + random.below(9000);
      yield rows.slice(at, end);
      at = end;
    }
  }
  const columns = (): Record<string, unknown[]> =>
    Object.fromEntries(schema.map(({ name }) => [name, rows.map((row) => own(row, name))]));
  const table = random.of([() => rows, () => ({ columns: columns() }), batches])();
  const path = "a.parquet";
  if (Symbol.asyncIterator in table) await storage.writeParquet(path, table, { schema });
  else await storage.writeParquet(path, table as readonly Row[], { schema });
  expect(exactRows(await storage.readParquet(path), schema)).toEqual(exactRows(rows, schema));
  return (await storage.backend.get(parseKey(path))).body.bytes();
}

const own = (row: Row, name: string): unknown => (Object.hasOwn(row, name) ? row[name] : undefined);

async function hasEngines(): Promise<boolean> {
  try {
    await run(PYTHON, ["-c", "import pyarrow, duckdb, polars"]);
    return true;
  } catch (error) {
    if (process.env["PARQUETRY_REQUIRE_ENGINES"] === "1") throw error;
    return false;
  }
}

describe("random tables of every type, nested, with several pages and row groups", () => {
  it(
    "have the values, statistics and filtered rows in pyarrow, DuckDB and Polars that were written",
    async (context) => {
      if (!(await hasEngines()))
        context.skip(`no pyarrow, duckdb, polars in ${PYTHON}; set PARQUETRY_PYTHON`);
      for (let from = FIRST_SEED; from < FIRST_SEED + TABLES; from += AT_ONCE) {
        const folder = await mkdtemp(join(tmpdir(), "parquetry-encoder-"));
        try {
          const end = Math.min(FIRST_SEED + TABLES, from + AT_ONCE);
          for (let seed = from; seed < end; seed++) {
            const { schema, rows } = randomTable(seed);
            const before = exactRows(rows, schema);
            await writeFile(join(folder, `${seed - from}.parquet`), await written(seed, rows, schema));
            expect(exactRows(rows, schema)).toEqual(before);
            await appendFile(join(folder, "expected.jsonl"), `${JSON.stringify({ schema, rows: before })}\n`);
          }
          const program = join(import.meta.dirname, "support", "check-files.py");
          const { stdout } = await run(PYTHON, [program, folder], { maxBuffer: 2 ** 26 });
          expect({ from, ...JSON.parse(stdout) }).toEqual({
            from,
            files: end - from,
            count: 0,
            problems: [],
          });
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      }
    },
    60_000 + TABLES * 4_000,
  );
});
