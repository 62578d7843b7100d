import { rmSync, writeFileSync } from "node:fs";
import type { ColumnBatch, DuckDb, DuckDbResult, RunOptions } from "../duckdb.ts";
import { openEmbeddedDuckDb } from "../embedded-duckdb.ts";
import { type Answer, type DuckDbCalls, type Request, toWire } from "./wire.ts";

/** The program of the child process that runs an isolated DuckDB. It answers the calls of its parent. */

let duckdb: DuckDb | undefined;
let scratchDirectory: string | undefined;
const aborts = new Map<number, AbortController>();
const results = new Map<
  number,
  { readonly result: DuckDbResult; readonly batches: AsyncGenerator<ColumnBatch> }
>();
let resultCount = 0;

const opened = (): DuckDb => {
  if (duckdb === undefined) throw new Error("DuckDB is not open");
  return duckdb;
};

/** The options of a call, with a signal that fires when the parent aborts the call by its number. */
function withSignal(id: number, options: RunOptions = {}): RunOptions {
  return { ...options, signal: aborts.get(id)?.signal };
}

const answerers = (id: number): DuckDbCalls => ({
  async open(options) {
    scratchDirectory = options.scratchDirectory;
    duckdb = await openEmbeddedDuckDb(options);
  },
  grant: (access) => opened().grant(access),
  prepare: (sql, parameters) => opened().prepare(sql, parameters, withSignal(id)),
  prune: (statement, tables) => opened().prune(statement, tables, withSignal(id)),
  groupFiles: (files) => opened().groupFiles(files),
  isAllNull: (group, column) => opened().isAllNull(group, column),
  async run(statement, tables, options) {
    const result = await opened().run(statement, tables, withSignal(id, options));
    const number = ++resultCount;
    results.set(number, { result, batches: result.batches() });
    return { result: number, columns: result.columns, rowCount: result.rowCount };
  },
  runToParquet: (statement, tables, options) =>
    opened().runToParquet(statement, tables, withSignal(id, options)),
  merge: (table, { sortBy }) => opened().merge(table, { sortBy, signal: aborts.get(id)?.signal }),
  async next(number) {
    const next = await results.get(number)?.batches.next();
    if (next === undefined || next.done === true) {
      results.delete(number);
      return undefined;
    }
    return next.value;
  },
  async closeResult(number) {
    results.get(number)?.result.close();
    results.delete(number);
  },
  async close() {
    await duckdb?.close();
  },
});

function send(answer: Answer): void {
  // This fails if the parent has ended, and then nobody needs the answer.
  process.send?.(answer, undefined, undefined, () => {});
}

async function answer(request: Request): Promise<void> {
  if ("abort" in request) {
    aborts.get(request.abort)?.abort();
    return;
  }
  const { id, call, args } = request;
  aborts.set(id, new AbortController());
  try {
    const run: (...given: readonly never[]) => Promise<unknown> = answerers(id)[call];
    // The parent is this package: the arguments are those of the call.
    send({ id, value: await run(...(args as readonly never[])) });
  } catch (error) {
    send({ id, error: toWire(error) });
  } finally {
    aborts.delete(id);
  }
}

// If the machine runs out of memory, Linux kills this process rather than its parent.
try {
  writeFileSync("/proc/self/oom_score_adj", "1000");
} catch {
  // Only Linux has it.
}
// Ctrl-C in a terminal goes to every process of the group; the parent decides what to do.
process.on("SIGINT", () => {});
process.on("message", (request: Request) => void answer(request));
process.on("disconnect", () => {
  if (scratchDirectory !== undefined) rmSync(scratchDirectory, { recursive: true, force: true });
  // An ordinary exit would wait for a query that does not stop.
  process.kill(process.pid, "SIGKILL");
});
