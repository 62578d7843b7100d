import type { CsvEncoding } from "./csv-text.ts";

/** Options for reading CSV files. */
export interface ReadCsvOptions {
  /**
   * The encoding. Default `utf-8`. `latin1` is ISO 8859-1; files of Windows and Excel with typographic quotes, dashes or `€` are
   * `windows-1252`. Bytes that the encoding does not define are an error, and never replaced.
   */
  readonly encoding?: CsvEncoding | undefined;
  /**
   * The strings that mean null, quoted or not: `["", "NA"]` for files of R, `[]` to keep empty strings. Default: an empty field
   * is null, and `""` in quotes is an empty string in a column of strings, else null.
   */
  readonly nullValues?: readonly string[] | undefined;
  /** The separator of values. Default `,`. */
  readonly delimiter?: string | undefined;
  /**
   * How a quote between quotes is escaped. `"`: by another quote. `\`: by a backslash, which also escapes delimiters, line ends and
   * backslashes there, and is an ordinary character before anything else, as in files of Spark and DuckDB; a file that cannot be
   * read so is read with escapes outside quotes too, as Python and MySQL write them. Default: by another quote, and in a file that
   * cannot be read so and has a backslash before a quote, by a backslash.
   */
  readonly escape?: '"' | "\\" | undefined;
  /** `false` keeps every value as a string. Default true: each column has one type, inferred from every row. */
  readonly inferTypes?: boolean | undefined;
  /** Reads only these columns, in this order; one that the file lacks is null in every row. Default: all. */
  readonly columns?: readonly string[] | undefined;
}
