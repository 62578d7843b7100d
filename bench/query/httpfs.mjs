// DuckDB's own way to S3, where its extension can be had: PyPI's duckdb-extension-httpfs, of DuckDB's very version.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance, version } from "@duckdb/node-api";

/** The extension's file: `PARQUETRY_HTTPFS_EXTENSION`, or that of the Python that `PARQUETRY_PYTHON` names. */
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

/** A fresh DuckDB that reads the server's bucket. */
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
