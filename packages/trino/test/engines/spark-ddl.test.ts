import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createLocalBackend } from "@parquetry/backend-local";
import { parseKey, partition, type Row, Storage } from "@parquetry/core";
import { generateDdl, openQuery } from "@parquetry/query";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const PYTHON = process.env["PARQUETRY_PYTHON"] ?? "python3";

/** Runs each statement in Spark, and prints the rows of the last one. */
const PROGRAM = `
import json, sys
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    .config("spark.sql.warehouse.dir", sys.argv[1]).config("spark.sql.session.timeZone", "UTC").getOrCreate())
for statement in json.loads(sys.argv[2]):
    result = spark.sql(statement)
print("ANSWER " + json.dumps([row.asDict(True) for row in result.collect()], default=str))
`;

const VALUES = [
  "café",
  "日本",
  "🏈",
  "a b",
  "a!b",
  "a=b",
  "50%",
  "a/b",
  "x'y",
  'q"r',
  "b\\c",
  "tab\tx",
  "a:b",
  null,
];
const ROW: Row = {
  n: 2n ** 53n + 1n,
  x: 0.5,
  ok: true,
  at: new Date("1850-01-01T00:00:00.123Z"),
  s: { x: 1n, y: "q" },
  list: ["1", "2"],
};

const missing = await run(PYTHON, ["-c", "import pyspark"])
  .then(() => run("java", ["-version"]))
  .then(() => undefined, String);
if (missing !== undefined) {
  if (process.env["PARQUETRY_REQUIRE_ENGINES"] === "1") throw new Error(`no Spark: ${missing}`);
  console.log(`SKIPPED: Spark, since ${PYTHON} (PARQUETRY_PYTHON) has no pyspark, or Java is missing.`);
}

describe.skipIf(missing !== undefined)("the statements of ddl on Spark", () => {
  let root: string;
  let storage: Storage;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "parquetry-spark-"));
    await mkdir(join(root, "data"));
    storage = new Storage(await createLocalBackend({ root: join(root, "data") }));
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  it("run unchanged, and find every row and value", async () => {
    for (const [i, Key] of VALUES.entries())
      await storage.write("raw/Odd it's", [{ i, ...ROW }], partition({ Season: 2024, Key }));
    await using db = await openQuery(storage, { cacheDirectory: join(root, "cache") });
    const ddl = generateDdl(
      "spark",
      await db.describe("Odd it's"),
      storage.backend.url(parseKey("raw/Odd it's")),
    );
    const statements = ddl.split(";\n").filter((text) => text !== "");
    expect(statements).toHaveLength(2);
    const select =
      "SELECT i, n, x, ok, CAST(at AS STRING) AS at, s, list, Season, Key FROM Odd_it_s ORDER BY i";
    const { stdout } = await run(
      PYTHON,
      ["-c", PROGRAM, join(root, "warehouse"), JSON.stringify([...statements, select])],
      { cwd: root, env: { ...process.env, TZ: "UTC", PYTHONIOENCODING: "utf-8" } },
    );
    const [answer = ""] = stdout.split("\n").filter((line) => line.startsWith("ANSWER "));
    // A number beyond 2^53 loses digits in JSON.parse.
    const rows = JSON.parse(
      answer.slice("ANSWER ".length).replaceAll("9007199254740993", '"9007199254740993"'),
    );
    const shown = { ...ROW, n: "9007199254740993", s: { x: 1, y: "q" }, at: "1850-01-01 00:00:00.123" };
    expect(rows).toEqual(VALUES.map((Key, i) => ({ i, ...shown, Season: 2024, Key })));
  });

  it("name a column of which Spark cannot read the files of another type", async () => {
    for (const [k, x] of [1n, 0.5].entries())
      await storage.write("raw/drift", [{ x }], partition({ k }), { allowOtherTypes: true });
    await using db = await openQuery(storage, { cacheDirectory: join(root, "cache") });
    const location = storage.backend.url(parseKey("raw/drift"));
    const ddl = generateDdl("spark", await db.describe("drift"), location);
    expect(ddl).toMatch(
      /^-- "x" is declared as DOUBLE, and is .*BIGINT in 1 file.* Spark 3 may fail on the others: write these files again with DOUBLE\.\n/,
    );
    const statements = [...ddl.split(";\n").filter((text) => text !== ""), "SELECT x FROM drift"];
    const running = run(PYTHON, ["-c", PROGRAM, join(root, "other"), JSON.stringify(statements)], {
      cwd: root,
    });
    await expect(running).rejects.toMatchObject({
      stderr: expect.stringMatching(/Parquet column cannot be converted.*Column: \[x\]/s),
    });
  });
});
