/** A field, or null where the file has nothing between two delimiters. A field that is written as two quotes is `""`. */
export type CsvField = string | null;

/** A text that is not CSV. */
export class CsvSyntaxError extends Error {
  /** True if a quote follows a backslash: the file may escape quotes by backslashes. */
  readonly hasEscapedQuote: boolean;

  constructor(problem: string, hasEscapedQuote: boolean) {
    super(problem);
    this.hasEscapedQuote = hasEscapedQuote;
  }
}

/** How a CSV file is written. */
export interface CsvDialect {
  readonly delimiter: string;
  /**
   * Where a backslash makes the quote, delimiter, line end or backslash that follows it an ordinary character: nowhere, between
   * quotes, or everywhere. A backslash before anything else is an ordinary character.
   */
  readonly backslash: "ordinary" | "between-quotes" | "everywhere";
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Delimiters that other programs write; the comma where another one was set. */
const OTHER_DELIMITERS = [";", "\t", "|", ","];

/**
 * Splits text, which may come in pieces, into records. A line ends in LF, CRLF or CR, whichever the lines before it end in. A
 * byte order mark at the start is dropped. Empty lines are skipped, except below the header of a file with one column, where they
 * are records.
 */
export class CsvParser {
  readonly #delimiter: string;
  readonly #backslash: CsvDialect["backslash"];
  /** Characters that are looked at together: at most an escaped delimiter or CRLF. */
  readonly #lookahead: number;
  #rest = "";
  #isStart = true;
  #state: "start" | "plain" | "quoted" | "closed" = "start";
  #field = "";
  #record: CsvField[] = [];
  #records: CsvField[][] = [];
  #header: CsvField[] | undefined;
  #line = 1;
  #recordLine = 1;
  #hasEscapedQuote = false;

  constructor({ delimiter, backslash }: CsvDialect) {
    this.#delimiter = delimiter;
    this.#backslash = backslash;
    this.#lookahead = Math.max(3, delimiter.length + 1);
  }

  /**
   * Parses the next piece and returns the records that end in it. The first record of all is the header.
   *
   * @throws CsvSyntaxError that names the line.
   */
  write(piece: string, isLast: boolean): CsvField[][] {
    let text = this.#rest + piece;
    if (this.#isStart && text !== "") {
      this.#isStart = false;
      if (text.startsWith("\ufeff")) text = text.slice(1);
    }
    const end = isLast ? text.length : text.length - this.#lookahead + 1;
    let i = 0;
    while (i < end) i = this.#state === "quoted" ? this.#quoted(text, i, end) : this.#unquoted(text, i, end);
    this.#rest = text.slice(i);
    if (isLast) this.#finish();
    const records = this.#records;
    this.#records = [];
    return records;
  }

  #unquoted(text: string, from: number, end: number): number {
    const delimiter = this.#delimiter;
    const first = delimiter.charCodeAt(0);
    let start = from;
    let i = from;
    while (i < end) {
      const code = text.charCodeAt(i);
      if (code === first && (delimiter.length === 1 || text.startsWith(delimiter, i))) {
        this.#endField(text.slice(start, i));
        return i + delimiter.length;
      }
      if (code === LF || code === CR) {
        this.#endField(text.slice(start, i));
        this.#endRecord();
        return i + lineEndLength(text, i);
      }
      if (code === QUOTE && this.#state === "start") {
        this.#state = "quoted";
        return i + 1;
      }
      if (code === QUOTE || this.#state === "closed") {
        this.#hasEscapedQuote ||= code === QUOTE && text.charCodeAt(i - 1) === BACKSLASH;
        throw this.#strayQuote();
      }
      this.#state = "plain";
      const escaped =
        code === BACKSLASH && this.#backslash === "everywhere" ? this.#escapedLength(text, i + 1) : 0;
      if (escaped > 0) {
        this.#field += text.slice(start, i);
        start = i + 1;
        this.#countLines(text, start, start + escaped);
      }
      i += 1 + escaped;
    }
    this.#field += text.slice(start, i);
    return i;
  }

  #quoted(text: string, from: number, end: number): number {
    const escapes = this.#backslash !== "ordinary";
    let start = from;
    let i = from;
    while (i < end) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) {
        this.#field += text.slice(start, i);
        this.#hasEscapedQuote ||= this.#field.endsWith("\\");
        if (text.charCodeAt(i + 1) !== QUOTE) {
          this.#state = "closed";
          return i + 1;
        }
        start = i + 1;
        i += 2;
        continue;
      }
      const escaped = code === BACKSLASH && escapes ? this.#escapedLength(text, i + 1) : 0;
      if (escaped > 0) {
        this.#field += text.slice(start, i);
        start = i + 1;
      }
      this.#countLines(text, i, i + 1 + escaped);
      i += 1 + escaped;
    }
    this.#field += text.slice(start, i);
    return i;
  }

  /** The number of characters at a place that a backslash before them makes ordinary. */
  #escapedLength(text: string, at: number): number {
    const code = text.charCodeAt(at);
    if (code === LF || code === CR) return lineEndLength(text, at);
    if (code === QUOTE || code === BACKSLASH) return 1;
    return text.startsWith(this.#delimiter, at) ? this.#delimiter.length : 0;
  }

  #countLines(text: string, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const code = text.charCodeAt(i);
      if (code === LF || (code === CR && text.charCodeAt(i + 1) !== LF)) this.#line++;
    }
  }

  #endField(tail: string): void {
    const field = this.#field + tail;
    this.#record.push(this.#state === "start" ? null : field);
    this.#field = "";
    this.#state = "start";
  }

  #endRecord(): void {
    const record = this.#record;
    const line = this.#recordLine;
    this.#record = [];
    this.#line++;
    this.#recordLine = this.#line;
    if (record.length === 1 && record[0] === null && this.#header?.length !== 1) return;
    this.#header ??= record;
    if (record.length !== this.#header.length) {
      const values = `${record.length} value${record.length === 1 ? "" : "s"}`;
      const problem = `line ${line} has ${values}, but the header has ${this.#header.length}`;
      throw this.#problem(`${problem}${this.#otherDelimiter()}`);
    }
    this.#records.push(record);
  }

  #finish(): void {
    if (this.#state === "quoted")
      throw this.#problem(
        `the record that starts in line ${this.#recordLine} has a quote that is not closed`,
      );
    if (this.#state === "start" && this.#record.length === 0) return;
    this.#endField("");
    this.#endRecord();
  }

  /** A remedy where the header is one value that seems to be several. */
  #otherDelimiter(): string {
    const [name, ...others] = this.#header ?? [];
    const found = OTHER_DELIMITERS.find((each) => each !== this.#delimiter && name?.includes(each));
    if (others.length > 0 || found === undefined) return "";
    const shown = found === "\t" ? "\\t" : found;
    return `; if the values are separated by "${shown}", read it with delimiter: "${shown}" (parquetry query: --csv-delimiter '${shown}')`;
  }

  #strayQuote(): CsvSyntaxError {
    const problem =
      this.#state === "closed" ? "text after a closing quote" : "a quote inside a value without quotes";
    return this.#problem(`line ${this.#line} has ${problem}`);
  }

  #problem(problem: string): CsvSyntaxError {
    return new CsvSyntaxError(problem, this.#hasEscapedQuote);
  }
}

function lineEndLength(text: string, at: number): number {
  return text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF ? 2 : 1;
}
