import {
  abortedError,
  checkArgument,
  checkOptions,
  either,
  type OptionKinds,
  onAbort,
  oneOf,
} from "@parquetry/core/unstable";
import type { ColumnBatch, QueryColumn, QueryParameters, ResultOptions } from "@parquetry/query/unstable";
import { type Connection, connectionOf, type TrinoOptions } from "./connection.ts";
import { type Page, parsePage, type TrinoColumn, type TrinoProgress } from "./protocol.ts";
import { readSegment } from "./spooled-segment.ts";
import { hostOf, requestJson, requestQuietly } from "./transport.ts";
import { failureError, trinoError } from "./trino-error.ts";
import { withParameters } from "./trino-literal.ts";
import { type Converter, converterOf } from "./trino-values.ts";

/** Options of a statement. */
export interface StatementOptions extends ResultOptions {
  /** The values of the `?` in the statement, in order. */
  readonly parameters?: QueryParameters | undefined;
  /** Cancels the query on the cluster. */
  readonly signal?: AbortSignal | undefined;
}

const STATEMENT_OPTIONS: OptionKinds<StatementOptions> = {
  parameters: either("array", "object"),
  signal: "signal",
  timestamps: oneOf("date", "text"),
};

/** A statement that runs on the cluster. Its columns are known; its rows are fetched as they are taken. */
export interface TrinoResult {
  /** Trino's name of the query, as in its web page. */
  readonly queryId: string;
  /** The columns, in order. None for a statement that returns nothing. */
  readonly columns: readonly QueryColumn[];
  /** The last progress that the cluster reported. */
  readonly progress: TrinoProgress;
  /** The rows, once. Leaving the loop early cancels the query. */
  batches(): AsyncGenerator<ColumnBatch>;
  /** Cancels the query, unless it has ended. */
  close(): Promise<void>;
}

/**
 * A client of Trino's REST protocol.
 *
 * @example
 * ```ts
 * const client = new TrinoClient({ url: "http://127.0.0.1:8080", catalog: "hive", schema: "default" });
 * const rows = await client.rows("SELECT week, count(*) FROM plays WHERE year = ? GROUP BY week", { parameters: [2024] });
 * ```
 */
export class TrinoClient {
  /** The catalog of unqualified names. */
  readonly catalog: string;
  /** The schema of unqualified names. */
  readonly schema: string;
  readonly #connection: Connection;

  constructor(options: TrinoOptions) {
    this.#connection = connectionOf(options);
    this.catalog = options.catalog;
    this.schema = options.schema;
  }

  /**
   * Starts a statement and returns when its columns are known, or it has ended.
   *
   * @throws StorageError of the cluster, with Trino's name of the failure as `storeCode`.
   */
  async open(sql: string, options: StatementOptions = {}): Promise<TrinoResult> {
    checkArgument(sql, "string", "sql", "sql");
    checkOptions(options, STATEMENT_OPTIONS, "sql");
    const connection = this.#connection;
    const body = withParameters(sql, options.parameters);
    const first = await requestJson(
      connection,
      {
        method: "POST",
        url: connection.statements,
        body,
        headers: { ...connection.statementHeaders, "Content-Type": "text/plain; charset=utf-8" },
      },
      options.signal,
    );
    const statement = new RunningStatement(connection, options, first);
    await statement.start();
    return statement;
  }

  /** Runs a statement and returns all of its rows as arrays of values. For results that are known to be small. */
  async rows(sql: string, options: StatementOptions = {}): Promise<readonly (readonly unknown[])[]> {
    const result = await this.open(sql, options);
    const rows: unknown[][] = [];
    for await (const { rowCount, values } of result.batches()) {
      for (let row = 0; row < rowCount; row++) rows.push(values.map((column) => column[row]));
    }
    return rows;
  }
}

class RunningStatement implements TrinoResult {
  columns: readonly QueryColumn[] = [];
  readonly #connection: Connection;
  readonly #options: StatementOptions;
  #converters: readonly Converter[] = [];
  #page: Page;
  #forget = (): void => {};
  #cancelled: Promise<void> | undefined;

  constructor(connection: Connection, options: StatementOptions, first: unknown) {
    this.#connection = connection;
    this.#options = options;
    this.#page = this.#check(first);
  }

  get queryId(): string {
    return this.#page.id;
  }

  get progress(): TrinoProgress {
    return this.#page.progress;
  }

  /** Waits for the columns. */
  async start(): Promise<void> {
    const { signal } = this.#options;
    if (signal !== undefined) this.#forget = onAbort(signal, () => void this.#cancel());
    while (this.#page.columns === undefined && this.#page.nextUri !== undefined) await this.#next();
    this.#setColumns(this.#page.columns ?? []);
    if (this.#page.nextUri === undefined) this.#forget();
  }

  async *batches(): AsyncGenerator<ColumnBatch> {
    try {
      for (;;) {
        const { rows, segments, encoding, nextUri } = this.#page;
        if (rows !== undefined && rows.length > 0) yield this.#batch(rows);
        for (const segment of segments ?? []) {
          const { signal } = this.#options;
          for await (const some of readSegment(this.#connection, segment, encoding, signal))
            yield this.#batch(some);
        }
        if (nextUri === undefined) return;
        // Only one page is held at a time.
        await this.#next();
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.#forget();
    if (this.#page.nextUri !== undefined) await this.#cancel();
  }

  async #next(): Promise<void> {
    const { nextUri } = this.#page;
    const { signal } = this.#options;
    if (signal?.aborted === true) {
      await this.#cancel();
      throw abortedError(signal, "sql", this.queryId, "trino");
    }
    if (nextUri === undefined) return;
    try {
      this.#page = this.#check(await requestJson(this.#connection, { method: "GET", url: nextUri }, signal));
    } catch (error) {
      // After a failure of the network, it would run on until Trino misses its client.
      await this.close();
      throw error;
    }
  }

  /** Checks an answer. */
  #check(json: unknown): Page {
    const page = parsePage(json);
    if (page === undefined)
      throw trinoError({
        code: "unavailable",
        retry: "never",
        message: `${hostOf(this.#connection.statements)} answered with JSON that is not a result of Trino. Check the coordinator's URL`,
      });
    if (page.failure !== undefined) throw failureError(page.failure, page.id);
    if (page.nextUri !== undefined) this.#checkNext(page.nextUri);
    return page;
  }

  /** Another origin would get the credentials. */
  #checkNext(nextUri: string): void {
    const { origin } = this.#connection;
    if (URL.canParse(nextUri) && new URL(nextUri).origin === origin) return;
    const other = URL.canParse(nextUri) ? new URL(nextUri).origin : "something that is not a URL";
    throw trinoError({
      code: "unavailable",
      retry: "never",
      message: `the coordinator at ${origin} refers to ${other}. Pass that as url or, behind a proxy, let it send X-Forwarded-Proto and -Host, and set http-server.process-forwarded=true`,
    });
  }

  #setColumns(columns: readonly TrinoColumn[]): void {
    const taken = new Set<string>();
    this.columns = columns.map(({ name, type }) => {
      let unique = name;
      for (let n = 1; taken.has(unique); n++) unique = `${name}:${n}`;
      taken.add(unique);
      return { name: unique, type };
    });
    this.#converters = columns.map(({ typeSignature }) => converterOf(typeSignature, this.#options));
  }

  #batch(rows: readonly (readonly unknown[])[]): ColumnBatch {
    return {
      rowCount: rows.length,
      values: this.#converters.map((convert, c) => rows.map((row) => convert(row[c]))),
    };
  }

  #cancel(): Promise<void> {
    const { nextUri } = this.#page;
    if (nextUri === undefined) return Promise.resolve();
    this.#cancelled ??= requestQuietly(this.#connection, { method: "DELETE", url: nextUri });
    return this.#cancelled;
  }
}
