import { rmSync, writeFileSync } from "node:fs";
import type { ColumnBatch, DuckDb, DuckDbResult, RunOptions } from "../duckdb.ts";
import { openEmbeddedDuckDb } from "../embedded-duckdb.ts";
import { type Answer, type DuckDbCalls, type Request, toWire } from "./wire.ts";

/** The program of the child process in which an isolated engine lives; it answers its parent's calls. */

let engine: DuckDb | undefined;
let scratchDirectory: string | undefined;
const aborts = new Map<number, AbortController>();
const results = new Map<
  number,
  { readonly result: DuckDbResult; readonly batches: AsyncGenerator<ColumnBatch> }
>();
let resultCount = 0;

const opened = (): DuckDb => {
  if (engine === undefined) throw new Error("the engine is not open");
  return engine;
};

/** The options of a call, with the signal that its parent speaks of by its number. */
function withSignal(id: number, options: RunOptions = {}): RunOptions {
  return { ...options, signal: aborts.get(id)?.signal };
}

const answerers = (id: number): DuckDbCalls => ({
  async open(options) {
    scratchDirectory = options.scratchDirectory;
    engine = await openEmbeddedDuckDb(options);
  },
  grant: (access) => opened().grant(access),
  prepare: (sql, parameters) => opened().prepare(sql, parameters, withSignal(id)),
  async prune(query, tables) {
    const result = await opened().prune(query, tables, withSignal(id));
    return result.outcome === "invalid" ? { ...result, error: toWire(result.error) } : result;
  },
  groupFiles: (files) => opened().groupFiles(files),
  isAllNull: (group, column) => opened().isAllNull(group, column),
  async run(query, tables, options) {
    const result = await opened().run(query, tables, withSignal(id, options));
    const number = ++resultCount;
    results.set(number, { result, batches: result.batches() });
    return { result: number, columns: result.columns, rowCount: result.rowCount };
  },
  runToParquet: (query, tables, options) => opened().runToParquet(query, tables, withSignal(id, options)),
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
    await engine?.close();
  },
});

function send(answer: Answer): void {
  // It fails where the parent has gone, and then there is nobody to tell.
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

// Where the machine runs out of memory, Linux takes this process and not the one that it works for.
try {
  writeFileSync("/proc/self/oom_score_adj", "1000");
} catch {
  // Only Linux has it.
}
// Ctrl-C in a terminal goes to every process of the group; the parent decides what ends.
process.on("SIGINT", () => {});
process.on("message", (request: Request) => void answer(request));
process.on("disconnect", () => {
  if (scratchDirectory !== undefined) rmSync(scratchDirectory, { recursive: true, force: true });
  // A query that does not stop would keep an ordinary exit waiting.
  process.kill(process.pid, "SIGKILL");
});
