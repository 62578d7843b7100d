import { rm } from "node:fs/promises";
import type { ObjectAccess } from "@parquetry/core";
import { bindParameters } from "../../statement/bind-parameters.ts";
import type {
  CallOptions,
  CandidateTable,
  ColumnBatch,
  DuckDb,
  DuckDbResult,
  FileGroup,
  MergeOptions,
  PreparedQuery,
  PruneResult,
  QueryParameters,
  ResultFile,
  RunOptions,
  ScanFile,
  ScanTable,
} from "../duckdb.ts";
import type { DuckDbOptions } from "../embedded-duckdb.ts";
import { makeScratchDirectory } from "../views/scratch.ts";
import { DuckDbProcess } from "./duckdb-process.ts";
import { processLimitBytes } from "./process-memory.ts";
import { fromWire, type WireResult } from "./wire.ts";

/**
 * An engine in a child process: it can crash and run out of memory without taking this one along. A new process is started
 * when the last one has ended; nothing but unread results is lost with it.
 *
 * @throws StorageError `invalid_argument` for a memory limit that is no size.
 */
export async function openIsolatedDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  return new IsolatedDuckDb(options, processLimitBytes(options.memoryLimit));
}

class IsolatedDuckDb implements DuckDb {
  readonly #options: DuckDbOptions;
  readonly #maxBytes: number;
  #process: Promise<DuckDbProcess> | undefined;
  #access: ObjectAccess | undefined;
  readonly #scratches = new Set<string>();

  constructor(options: DuckDbOptions, maxBytes: number) {
    this.#options = options;
    this.#maxBytes = maxBytes;
  }

  async grant(access: ObjectAccess): Promise<void> {
    this.#access = access;
    await (await this.#started()).call("grant", [access]);
  }

  async prepare(
    sql: string,
    parameters: QueryParameters | undefined,
    options: CallOptions = {},
  ): Promise<PreparedQuery> {
    // Here, for not everything that a caller may give by mistake can be sent.
    const text = parameters === undefined ? sql : bindParameters(sql, parameters);
    return (await this.#started()).call("prepare", [text, undefined], options);
  }

  async prune(
    query: PreparedQuery,
    tables: readonly CandidateTable[],
    options: CallOptions = {},
  ): Promise<PruneResult> {
    const result = await (await this.#started()).call("prune", [query, tables], options);
    return result.outcome === "invalid" ? { ...result, error: fromWire(result.error) } : result;
  }

  async groupFiles(files: readonly ScanFile[]): Promise<readonly FileGroup[]> {
    return (await this.#started()).call("groupFiles", [files]);
  }

  async isAllNull(group: FileGroup, column: string): Promise<boolean> {
    return (await this.#started()).call("isAllNull", [group, column]);
  }

  async run(query: PreparedQuery, tables: readonly ScanTable[], options: RunOptions): Promise<DuckDbResult> {
    const process = await this.#started();
    return new IsolatedResult(await process.call("run", [query, tables], options), process, options);
  }

  async runToParquet(
    query: PreparedQuery,
    tables: readonly ScanTable[],
    options: RunOptions,
  ): Promise<ResultFile> {
    return (await this.#started()).call("runToParquet", [query, tables], options);
  }

  async merge(table: ScanTable, options: MergeOptions): Promise<ResultFile> {
    return (await this.#started()).call("merge", [table, { sortBy: options.sortBy }], {
      signal: options.signal,
    });
  }

  async close(): Promise<void> {
    const process = await this.#process?.catch(() => undefined);
    await process?.close();
    for (const path of this.#scratches) await rm(path, { recursive: true, force: true });
  }

  async #started(): Promise<DuckDbProcess> {
    const running = await this.#process?.catch(() => undefined);
    if (running !== undefined && !running.hasEnded) return running;
    this.#process = this.#start();
    return this.#process;
  }

  async #start(): Promise<DuckDbProcess> {
    // What a crashed one has left is of no use.
    for (const path of this.#scratches) await rm(path, { recursive: true, force: true });
    this.#scratches.clear();
    const scratchDirectory = await makeScratchDirectory();
    this.#scratches.add(scratchDirectory);
    const process = new DuckDbProcess(this.#maxBytes);
    await process.call("open", [{ ...this.#options, scratchDirectory }]);
    if (this.#access !== undefined) await process.call("grant", [this.#access]);
    return process;
  }
}

class IsolatedResult implements DuckDbResult {
  readonly columns: WireResult["columns"];
  readonly rowCount: number;
  readonly #result: number;
  readonly #process: DuckDbProcess;
  readonly #options: CallOptions;
  #closed = false;

  constructor({ result, columns, rowCount }: WireResult, process: DuckDbProcess, options: CallOptions) {
    this.columns = columns;
    this.rowCount = rowCount;
    this.#result = result;
    this.#process = process;
    this.#options = options;
  }

  async *batches(): AsyncGenerator<ColumnBatch> {
    try {
      for (;;) {
        const batch = await this.#process.call("next", [this.#result], this.#options);
        if (batch === undefined) return;
        yield batch;
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Where the process has ended, the result has too.
    this.#process.call("closeResult", [this.#result]).catch(() => {});
  }
}
