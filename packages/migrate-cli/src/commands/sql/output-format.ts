import type { StreamedFormat } from "./write-rows.ts";

/** A format of `parquetry query`. */
export type OutputFormat = StreamedFormat | "table" | "parquet";

/** The format that `--format` names, or the ending of `--output`. */
export function givenFormat(flags: {
  readonly format?: OutputFormat;
  readonly output?: string;
}): OutputFormat | undefined {
  if (flags.format !== undefined) return flags.format;
  const ending = /\.(csv|tsv|json|ndjson|parquet|md)$/i.exec(flags.output ?? "")?.[1]?.toLowerCase();
  return ending === "md" ? "markdown" : (ending as OutputFormat | undefined); // one of the endings above
}
