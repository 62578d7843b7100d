import { extname } from "node:path";
import { usageError } from "../command-context.ts";
import type { StreamedFormat } from "./write-rows.ts";

/** A format of `parquetry query`. */
export type OutputFormat = StreamedFormat | "table" | "parquet";

/** The formats by the endings of files, lower case. */
const FORMATS: Readonly<Record<string, OutputFormat>> = {
  csv: "csv",
  tsv: "tsv",
  json: "json",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parquet: "parquet",
  parq: "parquet",
  pq: "parquet",
  md: "markdown",
};

/**
 * The format that `--format` names, or the ending of `--output`, if it has one.
 *
 * @throws a usage error for an ending of no format: in `result.csv.gz` nobody expects CSV that is not compressed.
 */
export function givenFormat(flags: {
  readonly format?: OutputFormat;
  readonly output?: string;
}): OutputFormat | undefined {
  const { format, output = "" } = flags;
  const ending = extname(output).toLowerCase();
  if (format !== undefined || ending === "") return format;
  const known = FORMATS[ending.slice(1)];
  if (known === undefined)
    throw usageError(
      `--output ${output}: no format ends with ${ending}. Name the format by --format, or end the file with one of ${Object.keys(
        FORMATS,
      )
        .map((each) => `.${each}`)
        .join(", ")}.`,
    );
  return known;
}
