import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { isStorageError, StorageError } from "@parquetry/core";
import type { RunOptions } from "../duckdb.ts";
import { ABORT_GRACE_MS, interrupted } from "../interruptible.ts";
import { processBytes } from "./process-memory.ts";
import { FileSender } from "./sent-files.ts";
import { startProblem } from "./start-problem.ts";
import type { Answer, DuckDbCall, DuckDbCalls, Request } from "./wire.ts";

const WATCH_MEMORY_EVERY_MS = 50;
/** The environment variables that the child inherits: those for finding files, and no credentials. */
const PASSED_VARIABLES = ["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH"] as const;

/** The errors of calls that could not finish because of another call. */
const innocent = new WeakSet<StorageError>();

/** True for the error of a call that another one has ended with its process: made again, it can succeed. */
export function isEndedByAnother(error: unknown): boolean {
  return isStorageError(error) && innocent.has(error);
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: StorageError) => void;
}

/** A child process that runs DuckDB. It is killed when it uses too much memory, or when an aborted query does not stop. */
export class DuckDbProcess {
  /** Sends files to it. */
  readonly files: FileSender = new FileSender();
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  /** The calls that were aborted and have not stopped yet. */
  readonly #stopping = new Set<number>();
  readonly #maxBytes: number;
  #calls = 0;
  #hasAnswered = false;
  #end: StorageError | undefined;
  #watch: NodeJS.Timeout | undefined;

  /** @param maxBytes the memory above which it is killed. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    const env = Object.fromEntries(PASSED_VARIABLES.map((name) => [name, process.env[name]]));
    const child = fork(PROGRAM, [], {
      env,
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child = child;
    child.on("message", (message: Answer) => this.#take(message));
    child.on("error", (error) => this.#ended(ended(`could not be started: ${error.message}`)));
    child.on("exit", (code, signal) => {
      // A library that crashes the child must not be loaded here.
      const problem = signal === null && !this.#hasAnswered ? startProblem() : undefined;
      this.#ended(problem ?? ended(`ended (${signal ?? `exit code ${code}`})`));
    });
    this.#idle();
  }

  /** True after it has ended. */
  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Calls DuckDB.
   *
   * @throws StorageError what DuckDB throws; `aborted`; `unavailable` where the process has ended.
   */
  async call<Name extends DuckDbCall>(
    name: Name,
    args: readonly unknown[],
    options: Partial<RunOptions> = {},
  ): Promise<Awaited<ReturnType<DuckDbCalls[Name]>>> {
    const { signal, outdated, timestamps, maxRows } = options;
    if (this.#end !== undefined) throw this.#end;
    if (signal?.aborted === true || outdated?.aborted === true) throw interrupted();
    const id = ++this.#calls;
    let grace: NodeJS.Timeout | undefined;
    const interrupt = (): void => {
      this.#stopping.add(id);
      this.#send({ abort: id });
    };
    const abort = (): void => {
      interrupt();
      grace = setTimeout(() => {
        this.#waiting.get(id)?.reject(interrupted());
        const reason = ended("was killed because another query in it was aborted and did not stop");
        innocent.add(reason);
        this.#kill(reason);
      }, ABORT_GRACE_MS);
    };
    signal?.addEventListener("abort", abort, { once: true });
    outdated?.addEventListener("abort", interrupt, { once: true });
    try {
      return await new Promise<Awaited<ReturnType<DuckDbCalls[Name]>>>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        this.#busy();
        this.#send({ id, call: name, args: [...args, { timestamps, maxRows }] });
      });
    } finally {
      this.#waiting.delete(id);
      this.#stopping.delete(id);
      signal?.removeEventListener("abort", abort);
      outdated?.removeEventListener("abort", interrupt);
      clearTimeout(grace);
      if (this.#waiting.size === 0) this.#idle();
    }
  }

  /** Ends it. */
  async close(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child;
    this.#kill(ended("was closed"));
    if (exitCode !== null || signalCode !== null || pid === undefined) return;
    // An unreferenced child does not keep this process alive until it has ended.
    const alive = setInterval(() => {}, 1_000);
    await once(this.#child, "exit");
    clearInterval(alive);
  }

  #take(message: Answer): void {
    this.#hasAnswered = true;
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if ("error" in message) waiting.reject(new StorageError(message.error));
    // The child is part of this package: the value is that of the call.
    else waiting.resolve(message.value as never);
  }

  #send(request: Request): void {
    this.#child.send(request, (error) => {
      if (error !== null) this.#ended(ended(`does not answer: ${error.message}`));
    });
  }

  #kill(reason: StorageError): void {
    this.#ended(reason);
    this.#child.kill("SIGKILL");
  }

  #ended(reason: StorageError): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
    this.#idle();
  }

  /** Watches the child, and keeps this process alive, while a call is running. */
  #busy(): void {
    this.#child.ref();
    this.#child.channel?.ref();
    this.#watch ??= setInterval(() => void this.#checkMemory(), WATCH_MEMORY_EVERY_MS);
  }

  #idle(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#child.unref();
    this.#child.channel?.unref();
  }

  async #checkMemory(): Promise<void> {
    const { pid } = this.#child;
    const bytes = pid === undefined ? undefined : await processBytes(pid);
    if (bytes === undefined || bytes <= this.#maxBytes || this.#watch === undefined) return;
    const limit = `${Math.round(this.#maxBytes / 2 ** 20)} MiB`;
    const reason = ended(`was killed because it used more memory than ${limit}`);
    // The memory may be that of an aborted call: another one is tried without it.
    if (this.#stopping.size > 0) innocent.add(reason);
    this.#kill(reason);
  }
}

/** The built program, also if this module runs from its source. */
const PROGRAM = new URL(
  import.meta.url.endsWith(".ts") ? "../../../dist/duckdb/isolated/child-program.js" : "./child-program.js",
  import.meta.url,
);

function ended(what: string): StorageError {
  return new StorageError({
    code: "unavailable",
    op: "sql",
    retry: "never",
    message: `sql: the query's process ${what}. The next query starts a new one. Read less at a time, or raise memoryLimit.`,
  });
}
