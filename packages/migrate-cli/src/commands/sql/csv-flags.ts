import type { OpenQueryOptions } from "@parquetry/query";
import { usageError } from "../command-context.ts";

/** The flags that say how CSV files are read. */
export interface CsvFlags {
  readonly csvEncoding?: CsvOptions["encoding"];
  readonly csvDelimiter?: string;
  readonly csvNull?: readonly string[];
  readonly csvEscape?: "quote" | "backslash";
  readonly csvStrings?: boolean;
}

type CsvOptions = NonNullable<OpenQueryOptions["csv"]>;

/** Returns the options of a database for flags. */
export function csvOptions(flags: CsvFlags): CsvOptions {
  const { csvEncoding, csvDelimiter, csvNull, csvEscape, csvStrings } = flags;
  if (csvDelimiter !== undefined && !/^[^"\r\n]+$/.test(csvDelimiter))
    throw usageError("--csv-delimiter must be text such as ';' or '\\t', without quotes and line ends.");
  return {
    encoding: csvEncoding,
    delimiter: csvDelimiter?.replaceAll("\\t", "\t"),
    // NA besides the empty field, not instead of it.
    nullValues: csvNull === undefined ? undefined : ["", ...csvNull],
    escape: csvEscape === undefined ? undefined : csvEscape === "quote" ? '"' : "\\",
    inferTypes: csvStrings === undefined ? undefined : !csvStrings,
  };
}
