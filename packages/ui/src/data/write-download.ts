import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import type { QueryDatabase } from "@parquetry/query";
import type { Run } from "./query-runs.ts";

/** Rows that are turned into text at once. */
const BATCH_ROWS = 5000;

interface Output {
  write(piece: Uint8Array | string): Promise<unknown>;
}

/** Writes a result as a file. Parquet is written by DuckDB, which runs the query again. */
export async function writeDownload(
  format: "csv" | "json" | "parquet",
  run: Run,
  database: QueryDatabase,
  out: Output,
): Promise<void> {
  if (format === "parquet") return writeParquet(run.sql, database, out);
  const { columns, rows } = run.state;
  const names = columns.map(({ name }) => name);
  await out.write(format === "csv" ? `${names.map(csvText).join(",")}\n` : "[");
  for (let start = 0; start < rows; start += BATCH_ROWS) {
    const batch = await run.read(start, Math.min(start + BATCH_ROWS, rows));
    const lines = batch.map((row) => {
      const cells: (string | null)[] = JSON.parse(row);
      if (format === "csv") return `${cells.map((cell) => (cell === null ? "" : csvText(cell))).join(",")}\n`;
      return `{${cells.map((cell, i) => `${JSON.stringify(names[i])}:${jsonText(cell, columns[i]?.type)}`).join(",")}}`;
    });
    if (format === "csv") await out.write(lines.join(""));
    else await out.write(`${start === 0 ? "\n" : ",\n"}${lines.join(",\n")}`);
  }
  if (format === "json") await out.write("\n]\n");
}

async function writeParquet(sql: string, database: QueryDatabase, out: Output): Promise<void> {
  const { path } = await database.toParquet(sql);
  try {
    for await (const piece of createReadStream(path)) await out.write(piece);
  } finally {
    await rm(path, { force: true });
  }
}

const NUMBER_TYPE = /INT|^DECIMAL|^DOUBLE$|^FLOAT$/;
const JSON_NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

/** A number keeps all of its digits, which JSON allows. Infinity and NaN are strings. */
function jsonText(cell: string | null, type = ""): string {
  const isNumber = cell !== null && NUMBER_TYPE.test(type) && JSON_NUMBER.test(cell);
  return isNumber ? cell : JSON.stringify(cell);
}

/** RFC 4180, but lines end in LF. NULL is empty and an empty text is `""`. */
function csvText(text: string): string {
  return text === "" || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
