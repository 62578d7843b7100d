import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { parseKey, partition, type Row, Storage } from "@parquetry/core";
import { generateDdl, openQuery, type QueryDatabase } from "@parquetry/query";
import { afterAll, beforeAll, expect, it } from "vitest";
import { registerTable, type TrinoClient } from "../../src/index.ts";
import { describeTrino, newSchema, TEST_TRINO } from "../support/test-trino.ts";

const { catalog } = TEST_TRINO;

/** Values that a folder name escapes, or that Hive, Trino or SQL could take for something else. */
const VALUES = [
  ..."café|日本|🏈|a b|a!b|a*b|a~b|a=b|50%|a/b|%20|x'y|q\"r|b\\c|.|..|tab\tx|a&b|a+b|a,b|a;b|[x]|{y}|a:b|a?b#c".split(
    "|",
  ),
  null,
];
const ROW: Row = { a: 1n, at: new Date("1850-01-01T00:00:00.123Z"), s: { x: 1n, y: "q" }, list: [1n, 2n] };

let root: string;
let storage: Storage;
let db: QueryDatabase;
let client: TrinoClient;
let schema: string;

describeTrino("the tables of a cluster", () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "parquetry-register-"));
    await mkdir(join(root, "data"));
    storage = new Storage(await createLocalBackend({ root: join(root, "data") }));
    for (const Key of VALUES) await storage.write("raw/Odd", [ROW], partition({ Year: 2024, Key }));
    db = await openQuery(storage, { cacheDirectory: join(root, "cache") });
    client = await newSchema();
    schema = client.schema;
  }, 120_000);

  afterAll(async () => {
    await client.rows(`DROP SCHEMA ${catalog}.${schema} CASCADE`);
    await db.close();
    await rm(root, { recursive: true, force: true });
  }, 120_000);

  const values = async (table: string): Promise<unknown[]> =>
    (
      await client.rows(`SELECT "key" FROM ${table} WHERE a = 1 AND s.y = 'q' AND cardinality(list) = 2`)
    ).flat();

  it("runs the statements of ddl one by one, the last two again, and finds every value", async () => {
    const { table, location } = {
      table: await db.describe("Odd"),
      location: storage.backend.url(parseKey("raw/Odd")),
    };
    const ddl = generateDdl("trino", table, location)
      .replaceAll("default", schema)
      .replaceAll(/\bhive\./g, `${catalog}.`);
    const statements = ddl.split(";\n").filter((text) => text !== "");
    expect(statements).toHaveLength(4);
    for (const statement of [...statements, ...statements.slice(-2)]) await client.rows(statement);
    expect((await values("odd")).sort()).toEqual([...VALUES].sort());
    const [at] = await client.rows("SELECT CAST(min(at) AS varchar) FROM odd");
    expect(at).toEqual(["1850-01-01 00:00:00.123000"]);
    await client.rows("DROP TABLE odd");
  }, 120_000);

  it("registers every value, follows the folders, changes nothing the second time and nothing in a dry run", async () => {
    const folder = join(root, "data/raw/Odd/Year=2024");
    // As writers spell it that escape UTF-8.
    await rename(join(folder, "Key=café"), join(folder, "Key=caf%C3%A9"));
    const run = async (options = {}) =>
      registerTable(client, storage.backend, await db.describe("Odd"), options);
    expect((await run({ dryRun: true })).added).toHaveLength(VALUES.length);
    await expect(values("odd")).rejects.toMatchObject({ storeCode: "TABLE_NOT_FOUND" });
    expect(await run({ check: true })).toMatchObject({
      created: true,
      unchanged: 0,
      problems: [],
      differences: [],
    });
    expect((await values("odd")).sort()).toEqual([...VALUES].sort());
    const same = {
      created: false,
      added: [],
      removed: [],
      unchanged: VALUES.length,
      problems: [],
      differences: [],
    };
    expect(await run({ check: true })).toMatchObject(same);
    await rm(join(folder, "Key=日本"), { recursive: true });
    await storage.write("raw/Odd", [ROW, ROW], partition({ Year: 2025, Key: "new" }));
    const change = { added: ["Year=2025/Key=new"], removed: [["2024", "日本"]] };
    expect(await run({ dryRun: true })).toMatchObject(change);
    expect(await run({ check: true })).toMatchObject({ ...change, differences: [] });
    expect(await run()).toMatchObject(same);
  }, 120_000);

  it("names the partition that the cluster reads from elsewhere", async () => {
    await client.rows(
      `CALL ${catalog}.system.unregister_partition('${schema}', 'odd', ARRAY['year', 'key'], ARRAY['2025', 'new'])`,
    );
    const elsewhere = `local://${join(root, "data/raw/Odd/Year=2024/Key=a b")}`;
    await client.rows(
      `CALL ${catalog}.system.register_partition('${schema}', 'odd', ARRAY['year', 'key'], ARRAY['2025', 'new'], '${elsewhere}')`,
    );
    const found = await registerTable(client, storage.backend, await db.describe("Odd"), { check: true });
    expect(found.differences).toContainEqual({ partition: "Year=2025/Key=new", committed: 2, counted: 0 });
  }, 120_000);

  it("leaves a table of the same name at another location as it is", async () => {
    await storage.write("clean/Odd", [ROW], partition({ Year: 2024, Key: "x" }));
    db.refresh();
    const found = await registerTable(client, storage.backend, await db.describe("clean/Odd"), {
      check: true,
    });
    expect(found).toMatchObject({ created: false, added: [], removed: [] });
    expect(found.problems[0]).toMatch(/raw\/Odd, not at .*clean\/Odd/);
  }, 120_000);
});
