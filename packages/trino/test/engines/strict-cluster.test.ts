import { type PartitionValue, parseKey, partition, Storage } from "@parquetry/core";
import { openQuery, type QueryDatabase } from "@parquetry/query";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type RegisterOptions,
  type Registration,
  registerTable,
  type TrinoClient,
  trino,
} from "../../src/index.ts";
import { describeTrino, newS3Backend, newSchema, TEST_TRINO } from "../support/test-trino.ts";

let storage: Storage;
let here: QueryDatabase;
let client: TrinoClient;

/** Values that Hive reads from the folders as they are. */
const VALUES = ["a b", "a!b", "a*b", "50%", "a/b", "x'y", 'O"H', null];

describeTrino("a cluster that forbids register_partition and has timestamps of milliseconds", () => {
  beforeAll(async () => {
    storage = new Storage(newS3Backend());
    here = await openQuery(storage);
    client = await newSchema(`${TEST_TRINO.catalog}_strict`);
    for (const Key of VALUES) await write(Key);
  });

  afterAll(async () => {
    await here.close();
    await storage.close();
  });

  const write = (Key: PartitionValue): Promise<unknown> =>
    storage.write(
      "raw/Odd",
      [{ at: new Date("2024-01-01T00:00:00.123Z"), n: 1 }],
      partition({ Year: 2024, Key }),
    );

  async function register(options: RegisterOptions = { check: true }): Promise<Registration> {
    here.refresh();
    return registerTable(client, storage.backend, await here.describe("Odd"), options);
  }

  async function keys(): Promise<unknown[]> {
    const { url } = TEST_TRINO;
    const { catalog, schema } = client;
    await using there = await openQuery(storage, { engine: trino({ url, catalog, schema }) });
    const { rows } = await there.sql("SELECT key, at FROM odd ORDER BY key");
    expect(new Set(rows.map(({ at }) => String(at)))).toEqual(new Set([String(rows[0]?.["at"])]));
    return rows.map(({ key }) => key);
  }

  it("is kept in step by synchronizing, and again, and nothing of the data changes", async () => {
    const before = await storage.listFiles("raw");
    expect(await register()).toMatchObject({ created: true, problems: [], differences: [] });
    const sorted = [...VALUES.filter((value) => value !== null).sort(), null];
    expect(await keys()).toEqual(sorted);
    expect(await register()).toMatchObject({ created: false, added: [], removed: [], differences: [] });
    await write("new");
    await storage.delete(before.filter((name) => name.includes("Key=50")));
    expect(await register()).toMatchObject({ removed: [["2024", "50%"]], problems: [], differences: [] });
    const names = sorted.filter((value) => value !== "50%" && value !== null);
    expect(await keys()).toEqual([...[...names, "new"].sort(), null]);
    const after = before.filter((name) => !name.includes("Key=50"));
    expect(await storage.listFiles("raw")).toEqual(expect.arrayContaining(after));
  });

  it("refuses values that it would misread, by the names of their folders, and changes nothing", async () => {
    // As writers spell it that escape UTF-8.
    for (const name of await storage.listFiles("raw/Odd/Year=2024/Key=new"))
      await storage.backend.copy(parseKey(name), parseKey(name.replace("Key=new", "Key=caf%C3%A9")));
    const { problems, added } = await register({});
    expect(problems[0]).toContain("Key=caf");
    expect(problems[0]).toContain("hive.allow-register-partition-procedure=true");
    expect(added).toEqual([]);
    expect(await client.rows("SELECT count(*) FROM odd")).toEqual([[VALUES.length]]);
  });
});
