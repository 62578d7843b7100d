import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "@duckdb/node-api";
import { createS3Backend } from "@parquetry/backend-s3";
import { createMemoryBackend, partition, Storage, type StorageBackend } from "@parquetry/core";
import { withAbilities } from "@parquetry/core/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

const DUCKDB_VERSION = version();
const extension = findExtension();
if (extension === undefined) {
  const problem =
    "httpfs: install duckdb-extension-httpfs of DuckDB's version from PyPI, and name that Python by PARQUETRY_PYTHON";
  if (process.env["PARQUETRY_REQUIRE_HTTPFS"] === "1") throw new Error(problem);
  console.log(`SKIPPED: ${problem}.`);
}

/** `PARQUETRY_HTTPFS_EXTENSION`, or the file inside the package of PyPI. */
function findExtension(): string | undefined {
  const given = process.env["PARQUETRY_HTTPFS_EXTENSION"];
  if (given !== undefined) return given;
  try {
    const print = "import duckdb_extension_httpfs as httpfs; print(list(httpfs.__path__)[0])";
    const python = process.env["PARQUETRY_PYTHON"] ?? "python3";
    const place = execFileSync(python, ["-c", print], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const file = join(place.trim(), "extensions", DUCKDB_VERSION, "httpfs.duckdb_extension");
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

const QUERIES = [
  "FROM \"raw/plays\" WHERE year = 2024 AND team IN ('Texas A&M', 'Rice') ORDER BY ALL",
  "SELECT year, team, sum(yards) AS s FROM plays GROUP BY ALL ORDER BY ALL",
  "SELECT count(*) AS n FROM plays WHERE year < 2024",
  "SELECT p.yards, g.score FROM plays p JOIN games g USING (year) WHERE year = 2023 ORDER BY ALL",
  "SELECT count(*) AS n FROM plays WHERE year = 1900",
  "SELECT max(yards) AS m FROM plays",
];

describe.skipIf(extension === undefined)("httpfs", () => {
  let folder: string;
  let server: S3Server;
  let backend: StorageBackend;
  let db: QueryDatabase;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parquetry-httpfs-"));
    server = await startS3Server({ buckets: ["football"] });
    const { endpoint, credentials } = server;
    backend = createS3Backend({ bucket: "football", endpoint, credentials });
    await fill(backend);
    db = await open();
  });

  afterAll(async () => {
    await db?.close();
    await backend?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (options: Parameters<typeof openQuery>[1] = {}): Promise<QueryDatabase> =>
    openQuery(new Storage(backend), {
      remote: "httpfs",
      httpfsExtension: extension,
      cacheDirectory: join(folder, "cache"),
      ...options,
    });

  async function fill(store: StorageBackend): Promise<void> {
    const storage = new Storage(store);
    for (const year of [2022, 2023, 2024]) {
      for (const team of ["Rice", "Texas A&M", null]) {
        const rows = [1, 2, 3].map((n) => ({ yards: year * n, at: new Date(year * n) }));
        await storage.write("raw/plays", rows, partition({ year, team }));
      }
      await storage.writeCsv(`games/year=${year}/games.csv`, [{ score: year }]);
    }
  }

  it("returns the same rows as other stores, and reads only the pruned files", async () => {
    const memory = createMemoryBackend();
    await fill(memory);
    await using plain = await openQuery(new Storage(memory), { cacheDirectory: join(folder, "cache") });
    for (const sql of QUERIES) {
      const { rows, columns } = await db.sql(sql);
      expect({ rows, columns }, sql).toEqual(
        await plain.sql(sql).then((r) => ({ rows: r.rows, columns: r.columns })),
      );
    }
    await using fresh = await open();
    // The first use of the table reads its facts, from other files than the one below.
    await fresh.sql("SELECT sum(yards) AS s FROM plays WHERE year = 2022 AND team = 'Rice'");
    server.requests.reset();
    const { stats } = await fresh.sql(
      "SELECT sum(yards) AS s FROM plays WHERE year = 2023 AND team = 'Rice'",
    );
    expect(stats.tables[0]).toMatchObject({ files: 1 });
    const { GetObject = 0, ListObjectsV2 = 0 } = server.requests.byOperation();
    expect(GetObject).toBeGreaterThan(0);
    expect(ListObjectsV2).toBeLessThanOrEqual(stats.listRequests);
  });

  it("reads nothing outside the tables, and reveals no secret", async () => {
    const { credentials } = server;
    const secrets = [credentials.secretAccessKey, credentials.accessKeyId];
    const said: string[] = [];
    for (const sql of [
      "FROM duckdb_secrets()",
      "FROM which_secret('s3://football/x', 's3')",
      "FROM read_parquet('s3://football/raw/plays/year=2022/team=Rice/part-0.parquet')",
      "FROM 's3://football/raw/plays/year=2022/team=Rice/part-0.parquet'",
      `FROM read_parquet('${server.endpoint}/football/x.parquet')`,
      "SELECT current_setting('s3_secret_access_key')",
    ]) {
      const error: unknown = await db.sql(sql).catch((reason: unknown) => reason);
      expect(error, sql).toMatchObject({ name: "StorageError" });
      said.push(String(error), JSON.stringify(error), (error as Error).stack ?? "");
    }
    await using trusted = await open({ trusted: true });
    said.push(
      JSON.stringify(
        (await trusted.sql("FROM duckdb_secrets()")).rows.map(({ secret_string: text }) =>
          String(text).replace(credentials.accessKeyId, ""),
        ),
      ),
    );
    said.push(
      String(await trusted.sql("FROM duckdb_secrets(redact := false)").catch((error: unknown) => error)),
    );
    // A store that refuses: the message names the object, and no secret.
    const { endpoint } = server;
    await using wrong = await openQuery(
      new Storage(
        withAbilities(
          { ...backend },
          {
            directAccess: {
              access: async () => ({
                bucket: "football",
                prefix: "",
                region: "us-east-1",
                endpoint,
                isPathStyle: true,
                credentials: { ...credentials, secretAccessKey: "another-secret" },
              }),
            },
          },
        ),
      ),
      { remote: "httpfs", httpfsExtension: extension, cacheDirectory: join(folder, "cache") },
    );
    const refused = await wrong
      .sql("SELECT max(yards) FROM plays WHERE team = 'Rice'")
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: "permission_denied",
      message: expect.stringContaining("/football/raw/plays/year"),
    });
    said.push(String(refused), JSON.stringify(refused));
    for (const text of said)
      for (const secret of [...secrets, "another-secret"]) expect(text).not.toContain(secret);
  });

  it("works in a child process", async () => {
    await using isolated = await open({ isolate: true });
    expect((await isolated.sql("SELECT count(*) AS n FROM plays WHERE team = 'Rice'")).rows).toEqual([
      { n: 9 },
    ]);
  });

  it("refuses a missing extension, and a store without direct access, with not_supported", async () => {
    await expect(open({ httpfsExtension: join(folder, "none") })).rejects.toMatchObject({
      code: "not_supported",
    });
    const memory = new Storage(createMemoryBackend());
    await expect(openQuery(memory, { remote: "httpfs", httpfsExtension: extension })).rejects.toMatchObject({
      code: "not_supported",
    });
  });
});
