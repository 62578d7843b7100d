import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { StorageError } from "@parquetry/core";
import type { RunOptions } from "../duckdb.ts";
import { processBytes } from "./process-memory.ts";
import { type Answer, type DuckDbCall, type DuckDbCalls, fromWire, type Request } from "./wire.ts";

/** How long an aborted query has to stop by itself. */
const ABORT_GRACE_MS = 1_000;
const WATCH_MEMORY_EVERY_MS = 50;
/** What of the environment the child gets: what a program needs to find its files, and no credentials. */
const PASSED_VARIABLES = ["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH"] as const;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: StorageError) => void;
}

/** A child process with an engine, its calls, and its end: by itself, by too much memory, or by a query that does not stop. */
export class DuckDbProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #maxBytes: number;
  #calls = 0;
  #end: StorageError | undefined;
  #watch: NodeJS.Timeout | undefined;

  /** @param maxBytes the memory at which it is killed. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    const env = Object.fromEntries(PASSED_VARIABLES.map((name) => [name, process.env[name]]));
    const child = fork(programPath(), [], {
      env,
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child = child;
    child.on("message", (message: Answer) => this.#take(message));
    child.on("error", (error) => this.#ended(ended(`could not be started: ${error.message}`)));
    child.on("exit", (code, signal) => this.#ended(ended(`ended (${signal ?? `exit code ${code}`})`)));
    this.#idle();
  }

  /** True where it answers no more. */
  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Calls the engine.
   *
   * @throws StorageError what the engine throws; `aborted`; `unavailable` where the process has ended.
   */
  async call<Name extends DuckDbCall>(
    name: Name,
    args: readonly unknown[],
    options: Partial<RunOptions> = {},
  ): Promise<Awaited<ReturnType<DuckDbCalls[Name]>>> {
    const { signal, timestamps, maxRows } = options;
    if (this.#end !== undefined) throw this.#end;
    if (signal?.aborted === true) throw aborted();
    const id = ++this.#calls;
    let grace: NodeJS.Timeout | undefined;
    const abort = (): void => {
      this.#send({ abort: id });
      grace = setTimeout(() => {
        this.#waiting.get(id)?.reject(aborted());
        this.#kill(ended("was killed, for an aborted query in it did not stop"));
      }, ABORT_GRACE_MS);
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await new Promise<Awaited<ReturnType<DuckDbCalls[Name]>>>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        this.#busy();
        this.#send({ id, call: name, args: [...args, { timestamps, maxRows }] });
      });
    } finally {
      this.#waiting.delete(id);
      signal?.removeEventListener("abort", abort);
      clearTimeout(grace);
      if (this.#waiting.size === 0) this.#idle();
    }
  }

  /** Ends it. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    await this.call("close", []).catch(() => {});
    this.#kill(ended("was closed"));
  }

  #take(message: Answer): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if ("error" in message) waiting.reject(fromWire(message.error));
    // The child is this package: the value is that of the call.
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

  /** Watches it, and keeps this process alive, while there is something to wait for. */
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
    this.#kill(ended(`was killed, for it took more memory than ${limit}`));
  }
}

/** The built program, also where this module runs from its source. */
function programPath(): string {
  const manifest = createRequire(import.meta.url).resolve("@parquetry/query/package.json");
  return join(dirname(manifest), "dist", "duckdb", "isolated", "child-program.js");
}

function ended(what: string): StorageError {
  return new StorageError({
    code: "unavailable",
    op: "sql",
    retry: "never",
    message: `sql: the query's process ${what}. The next query gets a new one; ask for less at once, or raise memoryLimit.`,
  });
}

function aborted(): StorageError {
  return new StorageError({
    code: "aborted",
    op: "sql",
    message: "sql: interrupted by the caller's signal.",
  });
}
