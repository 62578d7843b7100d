import { Worker } from "node:worker_threads";
import type { HashedBytes } from "@parquetry/core/unstable";
import { MemoryPool } from "./memory-pool.ts";
import type { ReadAnswer, ReadJob } from "./reading-thread-worker.ts";

/** The most bytes that are read and not yet released. */
export const MEMORY_BYTES: number = 32 * 1024 * 1024;

/** The largest file, or range of a file, that the thread reads, in bytes. */
export const MAX_READ_BYTES: number = 8 * 1024 * 1024;

/** The number of pending files with which the thread is busy. Further files are sent to it together later. */
const ENOUGH = 16;

/** A thread that reads and hashes files. */
export interface ReadingThread {
  /** Reads one version of a file, or a range of it. Returns undefined if that fails for any reason. */
  read(file: Omit<ReadJob, "id" | "offset">): Promise<HashedBytes | undefined>;
  /** Ends the thread. Pending reads return undefined. */
  close(): Promise<void>;
}

/**
 * Starts a thread that reads files into memory that it shares with this one, and hashes them. It keeps the process alive only
 * while reads are pending. If it cannot be started, or dies, all reads return undefined.
 *
 * @param onRead called with the time that the file system took, and the number of calls.
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
  // The callers fall back to reading without this thread.
  worker.on("error", end);
  worker.on("exit", end);
  // After the listeners, since a listener for messages refs the worker again.
  worker.unref();

  /** Sends the jobs in one message: waking the thread takes longer than the message. */
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
      // Jobs of the same turn of the event loop are sent together.
      if (jobs.push({ ...job, id }) === 1) setImmediate(send);
    });

  return {
    async read(file) {
      const { length } = file;
      const piece = await pool.take(length);
      if (piece === undefined) return undefined;
      const { offset } = piece;
      const answer = isOver ? undefined : await ask({ ...file, offset });
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

/** Starts the worker. Returns undefined if this process is not allowed to. */
function startWorker(memory: SharedArrayBuffer): Worker | undefined {
  try {
    return new Worker(new URL("./reading-thread-worker.js", import.meta.url), {
      workerData: memory,
      // The flags of this process's command line are meant for its own script.
      execArgv: [],
    });
  } catch {
    return undefined;
  }
}
