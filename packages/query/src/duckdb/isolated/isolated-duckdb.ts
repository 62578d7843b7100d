import { rm } from "node:fs/promises";
import type { ObjectAccess } from "@parquetry/core/unstable";
import type { ScanFile } from "../../files/scan-file.ts";
import { bindParameters } from "../../statement/bind-parameters.ts";
import type { QueryParameters } from "../../statement/query-parameters.ts";
import type { Statement } from "../../statement/statement.ts";
import type {
  CallOptions,
  ColumnBatch,
  DuckDb,
  DuckDbOptions,
  DuckDbResult,
  MergeOptions,
  PruneResult,
  ResultFile,
  RunOptions,
} from "../duckdb.ts";
import type { CandidateTable, FileGroup, ScanTable } from "../views/scan-table.ts";
import { makeScratchDirectory } from "../views/scratch.ts";
import { DuckDbProcess } from "./duckdb-process.ts";
import { processLimitBytes } from "./process-memory.ts";
import type { WireResult } from "./wire.ts";

/**
 * Opens DuckDB in a child process, which can crash or run out of memory without affecting this one. A new process is started after
 * the last one has ended; only unread results are lost with it.
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
  ): Promise<Statement> {
    // Done here, since a parameter of the wrong kind may not survive the way to the child.
    const text = parameters === undefined ? sql : bindParameters(sql, parameters);
    return (await this.#started()).call("prepare", [text, undefined], options);
  }

  async prune(
    statement: Statement,
    tables: readonly CandidateTable[],
    options: CallOptions = {},
  ): Promise<PruneResult> {
    return (await this.#started()).call("prune", [statement, tables], options);
  }

  async groupFiles(files: readonly ScanFile[]): Promise<readonly FileGroup[]> {
    return (await this.#started()).call("groupFiles", [files]);
  }

  async isAllNull(group: FileGroup, column: string): Promise<boolean> {
    return (await this.#started()).call("isAllNull", [group, column]);
  }

  async run(statement: Statement, tables: readonly ScanTable[], options: RunOptions): Promise<DuckDbResult> {
    const process = await this.#started();
    return new IsolatedResult(await process.call("run", [statement, tables], options), process, options);
  }

  async runToParquet(
    statement: Statement,
    tables: readonly ScanTable[],
    options: RunOptions,
  ): Promise<ResultFile> {
    return (await this.#started()).call("runToParquet", [statement, tables], options);
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
    // Removes what a crashed process has left.
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
    // If the process has ended, so has the result.
    this.#process.call("closeResult", [this.#result]).catch(() => {});
  }
}
