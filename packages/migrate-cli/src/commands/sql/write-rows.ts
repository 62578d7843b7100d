import type { Row } from "@parquetry/core";
import type { QueryColumn } from "@parquetry/query";
import { renderJson, renderValue } from "./render-value.ts";

/** Text formats that are written row by row. */
export type StreamedFormat = "csv" | "tsv" | "json" | "ndjson" | "markdown";

/** Turns batches of rows into text, one piece per batch. */
export async function* writeRows(
  format: StreamedFormat,
  columns: readonly QueryColumn[],
  batches: AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>,
): AsyncGenerator<string> {
  const writer = WRITERS[format];
  yield writer.head(columns);
  let isFirst = true;
  for await (const rows of batches) {
    let text = "";
    for (const row of rows) {
      text += writer.row(columns, row, isFirst);
      isFirst = false;
    }
    yield text;
  }
  yield writer.tail;
}

interface RowWriter {
  head(columns: readonly QueryColumn[]): string;
  row(columns: readonly QueryColumn[], row: Row, isFirst: boolean): string;
  readonly tail: string;
}

/** RFC 4180, but lines end in LF. NULL is empty and an empty text is `""`, so that they differ. */
const csv: RowWriter = {
  head: (columns) => `${columns.map(({ name }) => csvText(name)).join(",")}\n`,
  row: (columns, row) =>
    `${columns.map(({ name, type }) => (row[name] === null ? "" : csvText(renderValue(row[name], type)))).join(",")}\n`,
  tail: "",
};

/** Tab, line feed, carriage return and backslash are `\t`, `\n`, `\r`, `\\`; NULL is `\N`: as PostgreSQL and MySQL do. */
const tsv: RowWriter = {
  head: (columns) => `${columns.map(({ name }) => tsvText(name)).join("\t")}\n`,
  row: (columns, row) =>
    `${columns.map(({ name, type }) => (row[name] === null ? "\\N" : tsvText(renderValue(row[name], type)))).join("\t")}\n`,
  tail: "",
};

const ndjson: RowWriter = {
  head: () => "",
  row: (columns, row) => `${jsonRow(columns, row)}\n`,
  tail: "",
};

const json: RowWriter = {
  head: () => "[",
  row: (columns, row, isFirst) => `${isFirst ? "" : ","}\n${jsonRow(columns, row)}`,
  tail: "\n]\n",
};

const markdown: RowWriter = {
  head: (columns) =>
    `| ${columns.map(({ name }) => markdownText(name)).join(" | ")} |\n| ${columns.map(() => "---").join(" | ")} |\n`,
  row: (columns, row) =>
    `| ${columns.map(({ name, type }) => markdownText(renderValue(row[name], type))).join(" | ")} |\n`,
  tail: "",
};

const WRITERS: Readonly<Record<StreamedFormat, RowWriter>> = { csv, tsv, json, ndjson, markdown };

/** A row as a JSON object. */
export function jsonRow(columns: readonly QueryColumn[], row: Row): string {
  return `{${columns.map(({ name, type }) => `${JSON.stringify(name)}:${renderJson(row[name], type)}`).join(",")}}`;
}

function csvText(text: string): string {
  return text === "" || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function tsvText(text: string): string {
  return text.replace(
    /[\\\t\n\r]/g,
    (char) => ({ "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" })[char] ?? char,
  );
}

function markdownText(text: string): string {
  return text.replace(/[\\|]/g, "\\$&").replace(/\r?\n|\r/g, "<br>");
}
