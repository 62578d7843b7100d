import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createS3Backend } from "@parquetry/backend-s3";
import { parseKey, partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TrinoClient } from "../../src/index.ts";
import { describeTrino, TEST_TRINO } from "../support/test-trino.ts";

const COMMAND = join(import.meta.dirname, "../../../parquetry/dist/bin/parquetry.js");
const { catalog, s3, secure, url } = TEST_TRINO;
const SCHEMA = `commands_${randomUUID().replaceAll("-", "_")}`;
const PREFIX = `commands-${randomUUID()}`;

let folder: string;
let storage: Storage;
let client: TrinoClient;
let waiting: Promise<Outcome>;

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command as a user of the cluster's https port does. */
async function parquetry(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      NODE_EXTRA_CA_CERTS: process.env["NODE_EXTRA_CA_CERTS"],
      PARQUETRY_STORAGE_BACKEND: "s3",
      PARQUETRY_S3_BUCKET: s3.bucket,
      PARQUETRY_S3_REGION: s3.region,
      PARQUETRY_S3_ENDPOINT: s3.endpoint,
      PARQUETRY_S3_FORCE_PATH_STYLE: "true",
      PARQUETRY_S3_PREFIX: PREFIX,
      AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
      PARQUETRY_TRINO_URL: secure.url,
      PARQUETRY_TRINO_CATALOG: catalog,
      PARQUETRY_TRINO_SCHEMA: SCHEMA,
      PARQUETRY_TRINO_USER: secure.user,
      PARQUETRY_TRINO_PASSWORD: secure.password,
      ...env,
    },
  });
  const text = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (text.out += chunk));
  child.stderr.on("data", (chunk) => (text.err += chunk));
  const [code] = await once(child, "close");
  for (const shown of Object.values(text)) expect(shown).not.toContain(secure.password);
  return { code, ...text };
}

const register = (...flags: readonly string[]): Promise<Outcome> =>
  parquetry(["register", "--engine", "trino", ...flags]);
const query = (sql: string, ...flags: readonly string[]): Promise<Outcome> =>
  parquetry(["query", sql, "--engine", "trino", ...flags]);

const write = (week: number): Promise<unknown> =>
  storage.write("raw/plays", [{ yards: week }, { yards: 5 }], partition({ year: 2024, week }));

/** Each test goes on where the one before it ended, as a user does. */
describeTrino("the command on a cluster", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parquetry-commands-"));
    storage = new Storage(createS3Backend({ ...s3, prefix: parseKey(PREFIX) }));
    client = new TrinoClient({ url, catalog, schema: SCHEMA });
    for (const week of [1, 2, 3]) await write(week);
    // It gives up after half a minute, while the other tests run.
    waiting = registerNowhere();
  });

  afterAll(async () => {
    await storage.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("register --dry-run says what it would do, and does nothing", async () => {
    const { code, out, err } = await register("--dry-run");
    expect({ code, out }).toEqual({
      code: 0,
      out: "raw/plays: table plays would be created, 3 partitions would be added, 0 would be removed, 0 unchanged\n",
    });
    expect(err).toContain(`the schema ${catalog}.${SCHEMA} would be created`);
    await expect(client.rows("SHOW TABLES")).rejects.toMatchObject({ storeCode: "SCHEMA_NOT_FOUND" });
  });

  it("query without tables names register as the remedy", async () => {
    const { code, err } = await query("SELECT * FROM plays");
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining("parquetry register") });
  });

  it("register --check creates the schema and the table, counts the rows, and changes nothing the second time", async () => {
    const counts = "raw/plays: the cluster counts the committed rows of every partition\n";
    const first = await register("--check");
    expect(first).toMatchObject({
      code: 0,
      out: `raw/plays: table plays created, 3 partitions added, 0 removed, 0 unchanged\n${counts}`,
      err: expect.stringContaining(`the schema ${catalog}.${SCHEMA} was created`),
    });
    expect(await register("raw/plays", "--check")).toEqual({
      code: 0,
      out: `raw/plays: 0 partitions added, 0 removed, 3 unchanged\n${counts}`,
      err: "",
    });
  });

  it("query prints rows, how many there are, and what the cluster did", async () => {
    const sql = "SELECT week, sum(yards) AS yards FROM plays WHERE year = 2024 GROUP BY week ORDER BY week";
    expect(await query(sql)).toEqual({ code: 0, out: "week,yards\n1,6\n2,7\n3,8\n", err: "" });
    expect((await query(sql, "--format", "table")).out).toContain("(3 rows)");
    const { stats } = JSON.parse((await query(sql, "--json")).out);
    expect(stats).toMatchObject({ rowCount: 3, cluster: { state: "FINISHED" }, tables: [{ files: 3 }] });
  });

  it("query --explain prints the partitions and files, and runs nothing", async () => {
    const { code, out } = await query("SELECT * FROM plays WHERE year = 2024 AND week > 1", "--explain");
    expect(code).toBe(0);
    expect(out).toMatch(
      /^raw\/plays \(as plays\)\n├─ year {2}1 of 1 partition\n├─ week {2}2 of 3 partitions\n└─ reads 2 partitions, 2 files, \d+ B\n\d+ list requests?\n$/,
    );
  });

  it("a new partition fails the queries that need it until it is registered", async () => {
    await write(4);
    const sql = "SELECT count(*) AS n FROM plays WHERE week = 4";
    expect(await query(sql)).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining("Run `parquetry register raw/plays --engine trino`"),
    });
    expect((await register("--dry-run")).out).toContain("1 partition would be added");
    expect((await register()).out).toContain("1 partition added, 0 removed, 3 unchanged");
    expect(await query(sql)).toMatchObject({ code: 0, out: "n\n2\n" });
  });

  it("register --check exits with 1 and names the partition of which the cluster counts other rows", async () => {
    const call = (procedure: string, place: string): Promise<unknown> =>
      client.rows(
        `CALL ${catalog}.system.${procedure}('${SCHEMA}', 'plays', ARRAY['year', 'week'], ARRAY['2024', '4']${place})`,
      );
    await call("unregister_partition", "");
    await call("register_partition", `, '${storage.backend.url(parseKey("raw/plays/year=2024/week=1"))}/'`);
    const { code, out } = await register("--check");
    expect({ code, out }).toEqual({
      code: 1,
      out: "raw/plays: 0 partitions added, 0 removed, 4 unchanged\nraw/plays/year=2024/week=1: 2 rows committed, 4 on the cluster\nraw/plays/year=2024/week=4: 2 rows committed, 0 on the cluster\n",
    });
  });

  it("--beyond-query-length plain runs a query that names too many files, and says so", async () => {
    // A thousand names of a thousand characters.
    await storage.writeParquet("raw/many/k=1/first.parquet", [{ a: 1 }]);
    const file = await (await storage.backend.get(parseKey("raw/many/k=1/first.parquet"))).body.bytes();
    const names = Array.from(
      { length: 999 },
      (_, i) => `${String(i).padStart(4, "0")}${"x".repeat(920)}.parquet`,
    );
    for (let i = 0; i < names.length; i += 50)
      await Promise.all(
        names.slice(i, i + 50).map((name) => storage.backend.put(parseKey(`raw/many/k=1/${name}`), file)),
      );
    expect((await register("raw/many")).code).toBe(0);
    const sql = "SELECT count(*) AS n FROM many";
    expect(await query(sql)).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(/names of its 1000 files .* --beyond-query-length plain/),
    });
    const note = "not exactly the committed files are read: the query with its 1000 files is";
    const plain = ["--beyond-query-length", "plain"];
    expect(await query(sql, ...plain)).toMatchObject({
      code: 0,
      out: "n\n1000\n",
      err: expect.stringContaining(note),
    });
    expect((await query(sql, ...plain, "--explain")).out).toContain(note);
    expect(JSON.parse((await query(sql, ...plain, "--json")).out).stats.inexact).toContain("1000 files");
  });

  it.each<[string, NodeJS.ProcessEnv, string]>([
    ["a wrong password", { PARQUETRY_TRINO_PASSWORD: "hunter2" }, "HTTP 401"],
    ["a certificate that is not trusted", { NODE_EXTRA_CA_CERTS: "" }, "NODE_EXTRA_CA_CERTS"],
    ["an unknown catalog", { PARQUETRY_TRINO_CATALOG: "hvie" }, "CATALOG_NOT_FOUND"],
    ["the URL of another server", { PARQUETRY_TRINO_URL: s3.endpoint }, "HTTP 4"],
  ])("fails with exit code 2 once, whatever the number of tables: %s", async (_, env, named) => {
    for (const args of [
      ["query", "SELECT * FROM plays"],
      ["register", "--check"],
    ]) {
      const { code, out, err } = await parquetry([...args, "--engine", "trino"], env);
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toContain(named);
      expect(err).not.toContain("hunter2");
      expect(err.match(/sql:/g)).toHaveLength(1);
    }
  });

  it("says that it waits for a cluster that does not answer, and how often it tried", async () => {
    const { code, err } = await waiting;
    expect(code).toBe(2);
    expect(err).toMatch(/^warning: .*ECONNREFUSED.* Trying again\.\nerror: .*Tried 10 times/);
  }, 120_000);
});

/** Registers on a cluster that does not answer. */
async function registerNowhere(): Promise<Outcome> {
  const unused = createServer().listen(0, "127.0.0.1");
  await once(unused, "listening");
  const { port } = unused.address() as AddressInfo;
  unused.close();
  return parquetry(["register", "--engine", "trino"], { PARQUETRY_TRINO_URL: `http://127.0.0.1:${port}` });
}
