import { rm } from "node:fs/promises";
import type { ObjectAccess } from "@parquetry/core/unstable";
import { bindParameters } from "../../statement/bind-parameters.ts";
import type { CallOptions, ColumnBatch, DuckDb, DuckDbOptions, DuckDbResult } from "../duckdb.ts";
import { makeScratchDirectory } from "../views/scratch.ts";
import { DuckDbProcess } from "./duckdb-process.ts";
import { processLimitBytes } from "./process-memory.ts";
import type { WireResult } from "./wire.ts";

/**
 * Opens DuckDB in a child process, which can crash or run out of memory without affecting this one. A new process is started after
 * the last one has ended; only unread results are lost with it.
 */
export async function openIsolatedDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  const processes = new Processes(options);
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
    groupFiles: async (files) => (await started()).call("groupFiles", [files]),
    isAllNull: async (group, column) => (await started()).call("isAllNull", [group, column]),
    async run(statement, tables, options) {
      const process = await started();
      return isolatedResult(await process.call("run", [statement, tables], options), process, options);
    },
    runToParquet: async (statement, tables, options) =>
      (await started()).call("runToParquet", [statement, tables], options),
    merge: async (table, { sortBy, note, signal }) =>
      (await started()).call("merge", [table, { sortBy, note }], { signal }),
    readNote: async (file) => (await started()).call("readNote", [file]),
    close: () => processes.close(),
  };
}

/** The child process, one at a time, and its temporary directory. */
class Processes {
  readonly #options: DuckDbOptions;
  #process: Promise<DuckDbProcess> | undefined;
  #access: ObjectAccess | undefined;
  readonly #scratches = new Set<string>();

  constructor(options: DuckDbOptions) {
    this.#options = options;
  }

  async started(): Promise<DuckDbProcess> {
    const running = await this.#process?.catch(() => undefined);
    if (running !== undefined && !running.hasEnded) return running;
    this.#process = this.#start();
    return this.#process;
  }

  async grant(access: ObjectAccess): Promise<void> {
    this.#access = access;
    await (await this.started()).call("grant", [access]);
  }

  async close(): Promise<void> {
    const process = await this.#process?.catch(() => undefined);
    await process?.close();
    await this.#removeScratches();
  }

  async #start(): Promise<DuckDbProcess> {
    await this.#removeScratches();
    const scratchDirectory = await makeScratchDirectory();
    this.#scratches.add(scratchDirectory);
    const process = new DuckDbProcess(processLimitBytes(this.#options.memoryLimit));
    await process.call("open", [{ ...this.#options, scratchDirectory }]);
    if (this.#access !== undefined) await process.call("grant", [this.#access]);
    return process;
  }

  async #removeScratches(): Promise<void> {
    for (const path of this.#scratches) await rm(path, { recursive: true, force: true });
    this.#scratches.clear();
  }
}

function isolatedResult(
  { result, columns, rowCount }: WireResult,
  process: DuckDbProcess,
  options: CallOptions,
): DuckDbResult {
  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    // If the process has ended, so has the result.
    process.call("closeResult", [result]).catch(() => {});
  };
  async function* batches(): AsyncGenerator<ColumnBatch> {
    try {
      for (;;) {
        const batch = await process.call("next", [result], options);
        if (batch === undefined) return;
        yield batch;
      }
    } finally {
      close();
    }
  }
  return { columns, rowCount, batches, close };
}
