import { Worker } from "node:worker_threads";
import type { HashedBytes } from "@parquetry/core/unstable";
import { MemoryPool } from "./memory-pool.ts";
import type { ReadAnswer, ReadJob } from "./reading-thread-worker.ts";

/** The most that is read and not yet given back, in bytes. */
export const MEMORY_BYTES: number = 32 * 1024 * 1024;

/** Files up to this size are read by it, in bytes. */
export const MAX_READ_BYTES: number = 8 * 1024 * 1024;

/** With so many files before it the thread has enough to do: what comes meanwhile goes to it together. */
const ENOUGH = 16;

/** What the thread is told and asked. */
export interface ReadingThread {
  /** Reads one version of a file. Undefined where this could not be done just so. */
  read(file: Omit<ReadJob, "id" | "offset">): Promise<HashedBytes | undefined>;
  /** Ends it; what is under way is undefined. */
  close(): Promise<void>;
}

/**
 * Starts a thread that reads files into memory shared with this one, and hashes them. It keeps the process alive only while
 * something is under way. Where it cannot be started, and should it die, everything is undefined.
 *
 * @param onRead told how long the file system took for how many calls.
 */
export function startReadingThread(onRead: (ms: number, calls: number) => void): ReadingThread {
  const memory = new SharedArrayBuffer(MEMORY_BYTES);
  const pool = new MemoryPool(MEMORY_BYTES);
  const waiting = new Map<number, (answer: ReadAnswer | undefined) => void>();
  const worker = startWorker(memory);
  if (worker === undefined) return { read: async () => undefined, close: async () => {} };
  let jobs: ReadJob[] = [];
  let isOver = false;
  let nextId = 0;

  const settle = (id: number, answer: ReadAnswer | undefined): void => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
  };
  const end = (): void => {
    isOver = true;
    pool.close();
    for (const id of [...waiting.keys()]) settle(id, undefined);
  };
  worker.on("message", (answers: readonly ReadAnswer[]) => {
    for (const answer of answers) {
      if (answer.md5 !== undefined) onRead(answer.ms, answer.calls);
      settle(answer.id, answer);
    }
    send();
  });
  // Whoever asked goes the long way, which needs no thread.
  worker.on("error", end);
  worker.on("exit", end);
  // Only now: a listener for messages refers to it again.
  worker.unref();

  /** Each message wakes the thread, which costs more than the message. */
  const send = (): void => {
    const sent = waiting.size - jobs.length;
    if (isOver || jobs.length === 0 || sent >= ENOUGH) return;
    worker.postMessage(jobs);
    jobs = [];
  };
  const ask = (job: Omit<ReadJob, "id">): Promise<ReadAnswer | undefined> =>
    new Promise((resolve) => {
      const id = nextId++;
      if (waiting.size === 0) worker.ref();
      waiting.set(id, resolve);
      // What is asked for in one turn goes together.
      if (jobs.push({ ...job, id }) === 1) setImmediate(send);
    });

  return {
    async read({ path, etag, length }) {
      const piece = await pool.take(length);
      if (piece === undefined) return undefined;
      const { offset } = piece;
      const answer = isOver ? undefined : await ask({ path, etag, offset, length });
      const release = (): void => pool.give(piece);
      if (answer?.md5 !== undefined)
        return { bytes: new Uint8Array(memory, offset, length), md5: answer.md5, release };
      release();
      return undefined;
    },
    async close() {
      end();
      await worker.terminate();
    },
  };
}

/** Undefined where this process may not start one. */
function startWorker(memory: SharedArrayBuffer): Worker | undefined {
  try {
    return new Worker(new URL("./reading-thread-worker.js", import.meta.url), {
      workerData: memory,
      // What this process was told by its command line is about its own script.
      execArgv: [],
    });
  } catch {
    return undefined;
  }
}
