import { invalid } from "../bytes/check-arguments.ts";
import { findNameProblem } from "../bytes/check-names.ts";
import type { Row } from "../bytes/row.ts";
import type { StorageError } from "../bytes/storage-error.ts";
import { corruptCsv } from "./corrupt-csv.ts";
import { type CsvDialect, type CsvField, CsvSyntaxError } from "./csv-parser.ts";
import { type CsvType, convertCsvField, narrowCsvType } from "./csv-value.ts";
import type { ReadCsvOptions } from "./read-csv-options.ts";

/**
 * Returns the forms that a file may have, the most likely first. The next one is tried if the file cannot be read in the ones
 * before it and {@link mayBeNext} allows it.
 */
export function csvDialects(options: ReadCsvOptions): readonly [CsvDialect, ...CsvDialect[]] {
  const { delimiter = ",", escape: escapedBy } = options;
  if (escapedBy === "\\" && delimiter.includes("\\"))
    throw invalid("readCsv", "delimiter and escape are both a backslash; a file can use it for one of them");
  const doubled: CsvDialect = { delimiter, backslash: "ordinary" };
  const inQuotes: CsvDialect = { delimiter, backslash: "between-quotes" };
  const everywhere: CsvDialect = { delimiter, backslash: "everywhere" };
  if (escapedBy === "\\") return [inQuotes, everywhere];
  return escapedBy === '"' ? [doubled] : [doubled, inQuotes, everywhere];
}

/** True if a file with this problem may have the next form: the option says so, or a backslash before a quote suggests it. */
export function mayBeNext(error: unknown, { escape: escapedBy }: ReadCsvOptions): boolean {
  return error instanceof CsvSyntaxError && (escapedBy === "\\" || error.hasEscapedQuote);
}

/** Returns the error of a file that has the given problem; passes other errors on. */
export function csvError(error: unknown, name: string, options: ReadCsvOptions): unknown {
  if (!(error instanceof CsvSyntaxError)) return error;
  const hint =
    error.hasEscapedQuote && options.escape !== "\\"
      ? '; if the file escapes quotes by backslashes, read it with escape: "\\\\" (parquetry query: --csv-escape backslash)'
      : "";
  return corruptCsv(name, `${error.message}${hint}`, error);
}

/**
 * Returns the names of a header line. Columns without a name before all others, as pandas and R write one for their row labels,
 * are called `column0`, `column1` and so on, as DuckDB calls them.
 *
 * @throws StorageError `corrupt` for names that some reader would confuse.
 */
export function csvNames(header: readonly CsvField[], file: string): readonly string[] {
  const refuse = (problem: string): StorageError => corruptCsv(file, `in its header line, ${problem}`);
  const firstNamed = header.findIndex(Boolean);
  if (firstNamed < 0 && header.length > 0) throw refuse("no column has a name");
  const taken = new Set(header.map((name) => name?.toLowerCase()));
  const names = header.map((name, i) => {
    if (name) return name;
    if (i > firstNamed) throw refuse(`column ${i + 1} of ${header.length} has no name`);
    let free = `column${i}`;
    while (taken.has(free)) free += "_1";
    taken.add(free);
    return free;
  });
  const problem = csvNameProblem(names);
  if (problem !== undefined) throw refuse(problem);
  return names;
}

/** Returns why a CSV file cannot have columns of these names, or some reader would confuse them. */
export function csvNameProblem(names: readonly string[]): string | undefined {
  const odd = names.find((name) => name.includes("\0"));
  return odd === undefined
    ? findNameProblem(names)
    : `the column name ${JSON.stringify(odd)} contains a NUL character`;
}

/** Infers the types of columns, record by record. */
export class CsvTypes {
  readonly #nulls: ReadonlySet<string>;
  readonly #inferTypes: boolean;
  readonly #types: (CsvType | undefined)[] = [];
  readonly #hasEmpty: boolean[] = [];

  constructor({ nullValues = [""], inferTypes = true }: ReadCsvOptions) {
    this.#nulls = new Set(nullValues);
    this.#inferTypes = inferTypes;
  }

  add(record: readonly CsvField[]): void {
    const types = this.#types;
    for (let i = 0; i < record.length; i++) {
      const field = record[i] ?? "";
      if (types[i] === "string") continue;
      if (!this.#nulls.has(field)) types[i] = this.#inferTypes ? narrowCsvType(types[i], field) : "string";
      else if (record[i] === "") this.#hasEmpty[i] = true;
    }
  }

  /** The type of a column; undefined if all of its values are null. */
  typeOf(index: number): CsvType | undefined {
    return this.#types[index] ?? (this.#hasEmpty[index] ? "string" : undefined);
  }
}

/** Returns a function that turns records into rows. */
export function csvRows(
  names: readonly string[],
  types: CsvTypes | undefined,
  { nullValues, columns = names }: ReadCsvOptions,
): (record: readonly CsvField[]) => Row {
  const nulls = nullValues === undefined ? undefined : new Set(nullValues);
  const isNull = (field: CsvField): boolean =>
    nulls === undefined ? field === null : nulls.has(field ?? "");
  const wanted = columns.map((column) => {
    const index = names.indexOf(column);
    return { column, index, type: types?.typeOf(index) };
  });
  return (record) => {
    const row: Row = {};
    for (const { column, index, type } of wanted) {
      const field = record[index] ?? null;
      row[column] = index < 0 || isNull(field) ? null : convertCsvField(type, field);
    }
    return row;
  };
}
