import { rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { DuckDb, DuckDbResult } from "../duckdb.ts";
import { openEmbeddedDuckDb } from "../embedded-duckdb.ts";
import type { RawBatch } from "../results/raw-column.ts";
import { FileReceiver } from "./sent-files.ts";
import { type Answer, type DuckDbCalls, type Request, toWire } from "./wire.ts";

/** The program of the child process that runs an isolated DuckDB. It answers the calls of its parent. */

let duckdb: DuckDb | undefined;
let scratchDirectory: string | undefined;
const received = new FileReceiver();
const aborts = new Map<number, AbortController>();
const results = new Map<
  number,
  {
    readonly result: DuckDbResult;
    readonly batches: AsyncGenerator<RawBatch>;
    /** Interrupts the conversion of its rows. */
    readonly interrupt: () => void;
  }
>();
let resultCount = 0;

const opened = (): DuckDb => {
  if (duckdb === undefined) throw new Error("DuckDB is not open");
  return duckdb;
};

/** @param signal fires when the parent aborts the call. */
const answerers = (signal: AbortSignal): DuckDbCalls => ({
  async open(options) {
    scratchDirectory = options.scratchDirectory;
    duckdb = await openEmbeddedDuckDb(options);
  },
  grant: (access) => opened().grant(access),
  prepare: (sql, parameters) => opened().prepare(sql, parameters, { signal }),
  prune: (statement, tables) => opened().prune(statement, tables, { signal }),
  async groupFiles(sent) {
    const files = received.receive(sent);
    const places = new Map(files.map((file, place) => [file, place]));
    const groups = await opened().groupFiles(files, { signal });
    return groups.map((group) => ({
      ...group,
      files: Uint32Array.from(group.files, (file) => places.get(file) ?? files.length),
    }));
  },
  isAllNull: (sent, group, column) =>
    opened().isAllNull({ ...group, files: received.receive(sent) }, column, { signal }),
  async run(statement, sent, options) {
    const tables = received.receiveTables(sent);
    const controller = new AbortController();
    const interrupt = (): void => controller.abort();
    signal.addEventListener("abort", interrupt, { once: true });
    const result = await opened().run(statement, tables, {
      ...options,
      signal: controller.signal,
    });
    const number = ++resultCount;
    results.set(number, { result, batches: result.rawBatches(), interrupt });
    return { result: number, columns: result.columns, rowCount: result.rowCount };
  },
  runToParquet: (statement, sent, options) =>
    opened().runToParquet(statement, received.receiveTables(sent), { ...options, signal }),
  async merge(sent, options) {
    const [table] = received.receiveTables(sent);
    if (table === undefined) throw new Error("no table was sent");
    return opened().merge(table, { ...options, signal });
  },
  readNote: (file) => opened().readNote(file, { signal }),
  async next(number) {
    const found = results.get(number);
    if (found !== undefined) signal.addEventListener("abort", found.interrupt, { once: true });
    const next = await found?.batches.next();
    if (next !== undefined && next.done !== true) return next.value;
    results.delete(number);
    return undefined;
  },
  async closeResult(number) {
    results.get(number)?.result.close();
    results.delete(number);
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
  const controller = new AbortController();
  aborts.set(id, controller);
  try {
    const run: (...given: readonly never[]) => Promise<unknown> = answerers(controller.signal)[call];
    // The parent is part of this package: the arguments are those of the call.
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
  // The parent has ended, and the folder around the scratch directory was the parent's.
  if (scratchDirectory !== undefined) rmSync(dirname(scratchDirectory), { recursive: true, force: true });
  // An ordinary exit would wait for a query that does not stop.
  process.kill(process.pid, "SIGKILL");
});
