import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isStorageError, type Row } from "@parquetry/core";
import type { QueryDatabase, QueryProgress, QueryStats } from "@parquetry/query";
import type { ColumnSummary, QueryState } from "../answers.ts";
import { renderBatch } from "./render-batch.ts";
import { ResultSpool } from "./result-spool.ts";
import { summarize } from "./summarize.ts";

/** How many results are kept. The oldest is deleted first. */
const KEPT_RUNS = 8;
/** How many rows of a result are kept. */
export const MAX_ROWS = 10_000_000;

/** Runs queries in the background and keeps their results in temporary files. */
export class QueryRuns {
  readonly #database: QueryDatabase;
  readonly #runs = new Map<string, Run>();
  #folder: Promise<string> | undefined;

  constructor(database: QueryDatabase) {
    this.#database = database;
  }

  /** Starts a query. */
  async start(sql: string): Promise<QueryState> {
    this.#folder ??= mkdtemp(join(tmpdir(), "parquetry-ui-"));
    const run = new Run(sql, this.#database, await this.#folder);
    this.#runs.set(run.id, run);
    for (const old of this.#runs.values()) {
      if (this.#runs.size <= KEPT_RUNS) break;
      this.#runs.delete(old.id);
      await old.close();
    }
    return run.state;
  }

  find(id: string): Run | undefined {
    return this.#runs.get(id);
  }

  /** Stops all queries and deletes all results. */
  async close(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.close()));
    this.#runs.clear();
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true, force: true });
  }
}

/** One query. */
export class Run {
  readonly id: string = randomUUID();
  readonly sql: string;
  readonly #stop = new AbortController();
  readonly #started = performance.now();
  #spool: ResultSpool | undefined;
  #state: QueryState["state"] = "running";
  #isCut = false;
  #elapsedMs: number | undefined;
  #progress: QueryProgress | undefined;
  #stats: QueryStats | undefined;
  #error: string | undefined;
  readonly #ended: Promise<void>;

  constructor(sql: string, database: QueryDatabase, folder: string) {
    this.sql = sql;
    this.#ended = this.#run(database, folder);
  }

  get state(): QueryState {
    return {
      id: this.id,
      sql: this.sql,
      state: this.#state,
      columns: this.#spool?.columns ?? [],
      rows: this.#spool?.rows ?? 0,
      isCut: this.#isCut,
      elapsedMs: this.#elapsedMs ?? performance.now() - this.#started,
      progress: this.#progress,
      stats: this.#stats,
      error: this.#error,
    };
  }

  /** Returns rows as JSON arrays, from `start` to before `end`. */
  async read(start: number, end: number): Promise<readonly string[]> {
    return (await this.#spool?.read(start, end)) ?? [];
  }

  /** Returns a summary of each column of the rows that there are. */
  async summaries(): Promise<readonly ColumnSummary[]> {
    return this.#spool === undefined ? [] : summarize(this.#spool);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Stops the query and deletes its result. */
  async close(): Promise<void> {
    this.stop();
    await this.#ended;
    await this.#spool?.close();
  }

  async #run(database: QueryDatabase, folder: string): Promise<void> {
    const { signal } = this.#stop;
    try {
      await using cursor = await database.open<Row>(this.sql, undefined, {
        signal,
        timestamps: "text",
        onProgress: (progress) => {
          this.#progress = progress;
        },
      });
      this.#stats = cursor.stats;
      this.#spool = await ResultSpool.create(join(folder, `${this.id}.json`), cursor.columns);
      for await (const rows of cursor) {
        const room = MAX_ROWS - this.#spool.rows;
        await this.#spool.add(renderBatch(rows.slice(0, room), cursor.columns));
        if (rows.length > room) this.#isCut = true;
        if (this.#isCut) break;
      }
      this.#state = "done";
    } catch (error) {
      this.#state = signal.aborted ? "stopped" : "failed";
      if (!signal.aborted) this.#error = isStorageError(error) ? error.message : String(error);
    }
    this.#elapsedMs = performance.now() - this.#started;
  }
}
