import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { invalid, type ObjectAccess } from "@parquetry/core/unstable";
import { bindParameters } from "../../statement/bind-parameters.ts";
import type {
  CallOptions,
  ColumnBatch,
  DuckDb,
  DuckDbOptions,
  DuckDbResult,
  ResultFile,
  ResultOptions,
} from "../duckdb.ts";
import { decodeBatches } from "../results/decode-batches.ts";
import type { RawBatch } from "../results/raw-column.ts";
import { DuckDbProcess } from "./duckdb-process.ts";
import { processLimitBytes } from "./process-memory.ts";
import type { WireResult } from "./wire.ts";

/**
 * Opens DuckDB in a child process, which can crash or run out of memory without affecting this one. A new process is started after
 * the last one has ended; only unread results are lost with it.
 */
export async function openIsolatedDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  const processes = new Processes(options);
  // It starts while the caller does something else; the first query throws what goes wrong. A missing extension is reported here.
  const start = processes.started();
  if (options.httpfs === undefined) start.catch(() => {});
  else await start;
  const started = (): Promise<DuckDbProcess> => processes.started();
  return {
    grant: (access) => processes.grant(access),
    async prepare(sql, parameters, { signal } = {}) {
      // Bound here, since a parameter of the wrong kind may not survive the way to the child.
      const text = parameters === undefined ? sql : bindParameters(sql, parameters);
      return (await started()).call("prepare", [text, undefined], { signal });
    },
    prune: async (statement, tables, { signal } = {}) =>
      (await started()).call("prune", [statement, tables], { signal }),
    async groupFiles(files, { signal }) {
      const process = await started();
      const groups = await process.files.send(files, (sent) =>
        process.call("groupFiles", [sent], { signal }),
      );
      return groups.map((group) => ({
        ...group,
        files: Array.from(group.files, (place) => files[place]).filter((file) => file !== undefined),
      }));
    },
    async isAllNull({ files, ...group }, column, { signal }) {
      const process = await started();
      return process.files.send(files, (sent) =>
        process.call("isAllNull", [sent, group, column], { signal }),
      );
    },
    async run(statement, tables, options) {
      const process = await started();
      const result = await process.files.sendTables(tables, (sent) =>
        process.call("run", [statement, sent], options),
      );
      return isolatedResult(result, process, options);
    },
    async runToParquet(statement, tables, options) {
      const process = await started();
      return processes.keep(
        await process.files.sendTables(tables, (sent) =>
          process.call("runToParquet", [statement, sent], options),
        ),
      );
    },
    async merge(table, { sortBy, note, signal }) {
      const process = await started();
      return processes.keep(
        await process.files.sendTables([table], (sent) =>
          process.call("merge", [sent, { sortBy, note }], { signal }),
        ),
      );
    },
    readNote: async (file, { signal }) => (await started()).call("readNote", [file], { signal }),
    close: () => processes.close(),
  };
}

/** The child process, one at a time, and its temporary directory. */
class Processes {
  readonly #options: DuckDbOptions;
  #process: Promise<DuckDbProcess> | undefined;
  #access: ObjectAccess | undefined;
  /** How many were started. */
  #count = 0;
  /** Files that the caller may still read when the process that made them has ended. */
  readonly #results = new Set<string>();
  #isClosed = false;

  constructor(options: DuckDbOptions) {
    this.#options = options;
  }

  /**
   * The running process, or a new one after the last has ended.
   *
   * @throws StorageError `unavailable` where it cannot be started.
   */
  started(): Promise<DuckDbProcess> {
    const start = (): Promise<DuckDbProcess> => this.#start();
    this.#process =
      this.#process?.then((running) => (running.hasEnded ? start() : running), start) ?? start();
    return this.#process;
  }

  async grant(access: ObjectAccess): Promise<void> {
    this.#access = access;
    await (await this.started()).call("grant", [access]);
  }

  /** Keeps a file until the database is closed. */
  keep(file: ResultFile): ResultFile {
    this.#results.add(file.path);
    return file;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const process = await this.#process?.catch(() => undefined);
    await process?.close();
  }

  async #start(): Promise<DuckDbProcess> {
    if (this.#isClosed) throw invalid("sql", "the database is closed");
    await this.#removeOldScratch();
    const scratchDirectory = join(this.#options.scratchDirectory, `process-${++this.#count}`);
    await mkdir(scratchDirectory);
    const process = new DuckDbProcess(processLimitBytes(this.#options.memoryLimit));
    try {
      await process.call("open", [{ ...this.#options, scratchDirectory }]);
      if (this.#access !== undefined) await process.call("grant", [this.#access]);
      return process;
    } catch (error) {
      await process.close();
      throw error;
    }
  }

  /** A process that was killed leaves its temporary data, which can be large. */
  async #removeOldScratch(): Promise<void> {
    if (this.#count === 0) return;
    const old = join(this.#options.scratchDirectory, `process-${this.#count}`);
    for (const name of await readdir(old).catch(() => [])) {
      const path = join(old, name);
      if (!this.#results.has(path)) await rm(path, { recursive: true, force: true });
    }
  }
}

function isolatedResult(
  { result, columns, rowCount }: WireResult,
  process: DuckDbProcess,
  options: ResultOptions & CallOptions,
): DuckDbResult {
  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    // If the process has ended, so has the result.
    process.call("closeResult", [result]).catch(() => {});
  };
  async function* rawBatches(): AsyncGenerator<RawBatch> {
    const ask = (): Promise<RawBatch | undefined> => {
      const answer = process.call("next", [result], options);
      // The caller may leave before it takes the answer.
      answer.catch(() => {});
      return answer;
    };
    try {
      // The child prepares a batch while the one before is used.
      for (let next = ask(); ; ) {
        const batch = await next;
        if (batch === undefined) return;
        next = ask();
        yield batch;
      }
    } finally {
      close();
    }
  }
  const batches = (): AsyncGenerator<ColumnBatch> => decodeBatches(rawBatches(), options);
  return { columns, rowCount, batches, rawBatches, close };
}
