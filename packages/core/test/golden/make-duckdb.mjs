// Writes the golden tree `duckdb/` beside this file: node make-duckdb.mjs (DuckDB 1.5.6 wrote the one that is checked in).
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

const out = join(import.meta.dirname, "duckdb");
await rm(out, { recursive: true, force: true });
await mkdir(out);
const connection = await (await DuckDBInstance.create(":memory:")).connect();
await connection.run(`
  COPY (
    SELECT 2024 AS season, team, id,
      (-5)::TINYINT AS small, 18446744073709551615::UBIGINT AS unsigned,
      (-1234.56)::DECIMAL(9, 2) AS price, '12345678901234567890.123456789'::DECIMAL(38, 9) AS exact,
      DATE '2024-02-29' AS day, TIME '23:59:59.000001' AS clock,
      TIMESTAMPTZ '2024-09-01 12:30:00+00' AS whole, TIMESTAMP '1969-12-31 23:59:59.123456' AS fine,
      'é' || chr(0) || '🏈' AS text, NULL::INTEGER AS nothing, [7, NULL, 14] AS scores,
      [0.10::DECIMAL(5, 2), NULL] AS prices, {'name': 'Mike', 'at': TIME '01:02:03'} AS coach,
      '\\xFF\\x00'::BLOB AS raw, 1.5::FLOAT AS half, '0a0b0c0d-0000-1111-2222-333333333333'::UUID AS uuid
    FROM (VALUES (0, 'Texas A&M'), (1, 'Hawai''i'), (2, 'Miami (OH)'), (3, 'San José State'), (4, '100% = a/b'), (5, 'a+b c'), (6, NULL)) t(id, team)
  ) TO '${out}' (FORMAT parquet, PARTITION_BY (season, team), OVERWRITE_OR_IGNORE)`);
connection.closeSync();
