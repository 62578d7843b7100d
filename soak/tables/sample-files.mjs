import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { encodeParquet, inferColumns } from "../../packages/core/dist/unstable-tables.js";

const ROWS = 300;

/** Makes Parquet files with every available writer, in each codec and encoding that it supports. */
export async function sampleFiles(python) {
  const files = new Map([["ours", await ours()]]);
  const folder = await mkdtemp(join(tmpdir(), "parquetry-samples-"));
  try {
    await duckdb(folder);
    if (python !== undefined) await pyarrow(python, folder);
    for (const name of (await readdir(folder)).sort()) files.set(name, await readFile(join(folder, name)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return files;
}

async function ours() {
  const rows = Array.from({ length: ROWS }, (_, i) => ({
    i,
    text: `row ${i % 9}`,
    list: [i, i + 1],
    third: i / 3,
    time: new Date(i * 1e9),
    flag: i % 2 === 0,
    struct: { x: i, y: null },
    bytes: Uint8Array.of(i & 255),
    json: {},
  }));
  return encodeParquet(rows, await inferColumns(rows));
}

async function duckdb(folder) {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const select = `SELECT range AS i, range::INTEGER % 7 AS small, range::DOUBLE / 4 AS q, 'n' || range AS t, 'm' || range % 5 AS dict,
    range % 2 = 0 AS f, TIMESTAMP '2001-01-01' + INTERVAL (range) MINUTE AS ts, [range, NULL] AS l, (range / 7)::DECIMAL(9, 2) AS d,
    {'a': range, 'b': 'x' || range} AS s, MAP {'k' || range % 3: range} AS m, ('00000000-0000-4000-8000-' || lpad(range::VARCHAR, 12, '0'))::UUID AS u, CASE WHEN range % 3 = 0 THEN range END AS n,
    '{"a": 1}'::JSON AS j FROM range(${ROWS})`;
  for (const codec of ["snappy", "zstd", "gzip", "lz4_raw", "brotli", "uncompressed"]) {
    for (const version of ["V1", "V2"]) {
      const file = join(folder, `duckdb-${codec}-${version}.parquet`);
      await connection.run(
        `COPY (${select}) TO '${file}' (FORMAT parquet, CODEC '${codec}', PARQUET_VERSION '${version}')`,
      );
    }
  }
  connection.closeSync();
}

const PYARROW = `
import sys, datetime, decimal
import pyarrow as pa, pyarrow.parquet as pq
folder = sys.argv[1]
n = ${ROWS}
table = pa.table({
    "i": pa.array(range(n), pa.int64()), "small": pa.array([k % 7 for k in range(n)], pa.int32()),
    "q": [k / 4 for k in range(n)], "f32": pa.array([k / 4 for k in range(n)], pa.float32()),
    "t": [f"n{k}" for k in range(n)], "dict": [f"m{k % 5}" for k in range(n)], "f": [k % 2 == 0 for k in range(n)],
    "n": [k if k % 3 == 0 else None for k in range(n)], "nothing": pa.nulls(n),
    "ts": [datetime.datetime(2001, 1, 1) + datetime.timedelta(minutes=k) for k in range(n)],
    "d": pa.array([decimal.Decimal(k) / 4 for k in range(n)], pa.decimal128(20, 3)),
    "b": [bytes([k % 256]) * (k % 5) for k in range(n)], "fixed": pa.array([bytes([k % 256] * 4) for k in range(n)], pa.binary(4)),
    "l": [[k, None] if k % 4 else None for k in range(n)], "ll": [[[k]] if k % 5 else [] for k in range(n)],
    "s": [{"a": k, "b": f"x{k}"} for k in range(n)],
})
flat = table.drop_columns(["l", "ll", "s", "nothing"])
for codec in ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]:
    for version in ["1.0", "2.0"]:
        pq.write_table(table, f"{folder}/pyarrow-{codec}-{version}.parquet", compression=codec, data_page_version=version)
        pq.write_table(flat, f"{folder}/pyarrow-delta-{codec}-{version}.parquet", compression=codec, data_page_version=version,
            use_dictionary=False, column_encoding={"i": "DELTA_BINARY_PACKED", "small": "DELTA_BINARY_PACKED",
            "n": "DELTA_BINARY_PACKED", "t": "DELTA_BYTE_ARRAY", "dict": "DELTA_LENGTH_BYTE_ARRAY", "q": "BYTE_STREAM_SPLIT",
            "f32": "BYTE_STREAM_SPLIT", "f": "RLE" if version == "2.0" else "PLAIN"})
`;

async function pyarrow(python, folder) {
  await promisify(execFile)(python, ["-c", PYARROW, folder]);
}
