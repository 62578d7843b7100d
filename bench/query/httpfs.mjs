// DuckDB's own S3 client, if its extension is installed: duckdb-extension-httpfs of PyPI, of exactly DuckDB's version.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance, version } from "@duckdb/node-api";

/** Returns the extension's file: `PARQUETRY_HTTPFS_EXTENSION`, or that of the Python at `PARQUETRY_PYTHON`. */
export function findHttpfs() {
  const given = process.env.PARQUETRY_HTTPFS_EXTENSION;
  if (given !== undefined) return given;
  try {
    const print = "import duckdb_extension_httpfs as httpfs; print(list(httpfs.__path__)[0])";
    const python = process.env.PARQUETRY_PYTHON ?? "python3";
    const place = execFileSync(python, ["-c", print], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const file = join(place.trim(), "extensions", version(), "httpfs.duckdb_extension");
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Opens a new DuckDB that reads the server's bucket. */
export async function openHttpfs(extension, { endpoint, credentials, region }) {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`LOAD '${extension}'`);
  await connection.run(`CREATE SECRET (TYPE s3, KEY_ID '${credentials.accessKeyId}', SECRET '${credentials.secretAccessKey}',
    REGION '${region}', ENDPOINT '${endpoint.replace("http://", "")}', URL_STYLE 'path', USE_SSL false)`);
  return {
    ask: async (sql) => (await connection.runAndReadAll(sql)).getRows(),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
