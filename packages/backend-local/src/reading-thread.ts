import { Worker } from "node:worker_threads";
import type { HashedBytes } from "@parquetry/core/unstable";
import { inBlocks, type SharedMemory, sharedMemory } from "./md5-lanes.ts";
import { MemoryPool } from "./memory-pool.ts";
import type {
  FileHash,
  FileVersion,
  PieceJob,
  ReadJob,
  ThreadAnswer,
  ThreadJob,
} from "./reading-thread-worker.ts";

/** The most bytes that are read and not yet released. */
export const MEMORY_BYTES: number = 32 * 1024 * 1024;

/** The largest file, or range of a file, that the thread reads, in bytes. */
export const MAX_READ_BYTES: number = 8 * 1024 * 1024;

/** The number of pending files with which the thread is busy. Further files are sent to it together later. */
const ENOUGH = 16;

/** A thread that reads, writes and hashes files. */
export interface ReadingThread {
  /** Reads one version of a file, or a range of it. Returns undefined if that fails for any reason. */
  read(file: Omit<ReadJob, "kind" | "id" | "offset">): Promise<HashedBytes | undefined>;
  /**
   * Reads and hashes several files of at most {@link MAX_READ_BYTES} in total. Returns undefined in place of each file for which that
   * fails for any reason.
   */
  hashTogether(files: readonly FileVersion[]): Promise<readonly (FileHash | undefined)[]>;
  /** Takes memory for a piece, and waits until it is free. Returns undefined if the thread is over. */
  take(length: number): Promise<PieceMemory | undefined>;
  /** Begins a part, whose pieces are hashed together. */
  beginPart(): PartOnThread;
  /** Ends the thread. Pending reads return undefined. */
  close(): Promise<void>;
}

/** Memory for a piece. */
export interface PieceMemory {
  readonly bytes: Buffer;
  readonly offset: number;
  /** Gives the memory back. Call it exactly once, unless the piece is added to a part. */
  release(): void;
}

/** A part of a body whose pieces are hashed. */
export interface PartOnThread {
  /**
   * Adds the next piece, whose memory is released then. Resolves to the MD5 of the part after the last piece; to undefined after
   * the others, and if the thread is over.
   *
   * @throws the error with which the file could not be written.
   */
  add(memory: PieceMemory, piece: Pick<PieceJob, "length" | "isLast" | "file">): Promise<string | undefined>;
  /** Forgets a part that failed, once all of its pieces have been added. */
  drop(): void;
}

/**
 * Starts a thread that reads files into memory that it shares with this one, hashes them, and writes files from that memory. It
 * keeps the process alive only while jobs are pending. If it cannot be started, or dies, all of them return undefined.
 *
 * @param onRead called with the time that the file system took, and the number of calls.
 */
export function startReadingThread(onRead: (ms: number, calls: number) => void): ReadingThread {
  const memory = sharedMemory(MEMORY_BYTES);
  const pool = new MemoryPool(MEMORY_BYTES);
  const waiting = new Map<number, (answer: ThreadAnswer | undefined) => void>();
  const worker = startWorker(memory);
  let jobs: ReadJob[] = [];
  let isOver = worker === undefined;
  let nextId = 0;
  let nextPart = 0;
  if (isOver) pool.close();

  const settle = (id: number, answer: ThreadAnswer | undefined): void => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
    if (waiting.size === 0) worker?.unref();
  };
  const end = (): void => {
    isOver = true;
    pool.close();
    for (const id of [...waiting.keys()]) settle(id, undefined);
  };
  worker?.on("message", (answers: readonly ThreadAnswer[]) => {
    for (const answer of answers) {
      for (const { ms, calls } of answer.paces ?? []) onRead(ms, calls);
      settle(answer.id, answer);
    }
    send();
  });
  // The callers fall back to doing without this thread.
  worker?.on("error", end);
  worker?.on("exit", end);
  // After the listeners, since a listener for messages refs the worker again.
  worker?.unref();

  /** Sends the reads in one message: waking the thread takes longer than the message. */
  const send = (): void => {
    const sent = waiting.size - jobs.length;
    if (isOver || jobs.length === 0 || sent >= ENOUGH) return;
    worker?.postMessage(jobs);
    jobs = [];
  };
  const enqueue = (job: ThreadJob): void => {
    // A piece is worth a message, and the thread has more to do while this one has no turn.
    if (job.kind !== "read") worker?.postMessage([job]);
    // Reads of the same turn of the event loop are sent together.
    else if (jobs.push(job) === 1) setImmediate(send);
  };
  const ask = (jobOf: (id: number) => ThreadJob): Promise<ThreadAnswer | undefined> =>
    new Promise((resolve) => {
      if (isOver) return resolve(undefined);
      const id = nextId++;
      if (waiting.size === 0) worker?.ref();
      waiting.set(id, resolve);
      enqueue(jobOf(id));
    });

  return {
    async read(file) {
      const { length } = file;
      const piece = await pool.take(length);
      if (piece === undefined) return undefined;
      const { offset } = piece;
      const answer = await ask((id) => ({ ...file, kind: "read", id, offset }));
      const release = (): void => pool.give(piece);
      if (answer?.md5 !== undefined)
        return { bytes: new Uint8Array(memory.buffer, offset, length), md5: answer.md5, release };
      release();
      return undefined;
    },
    async hashTogether(files) {
      const length = files.reduce((sum, { sizeBytes }) => sum + inBlocks(sizeBytes), 0);
      // Each of many tiny files takes a whole block.
      const piece = length > MEMORY_BYTES ? undefined : await pool.take(length);
      if (piece === undefined) return [];
      const { offset } = piece;
      const answer = await ask((id) => ({ kind: "hash", id, offset, files }));
      pool.give(piece);
      return answer?.hashes ?? [];
    },
    async take(length) {
      const piece = await pool.take(length);
      if (piece === undefined) return undefined;
      const { offset } = piece;
      const bytes = Buffer.from(memory.buffer, offset, length);
      return { bytes, offset, release: () => pool.give(piece) };
    },
    beginPart() {
      const part = nextPart++;
      return {
        async add({ offset, release }, piece) {
          const answer = await ask((id) => ({ ...piece, kind: "piece", id, part, offset }));
          release();
          if (answer?.failure === undefined) return answer?.md5;
          const { message, code } = answer.failure;
          throw Object.assign(new Error(message), { code });
        },
        drop: () => enqueue({ kind: "drop", part }),
      };
    },
    async close() {
      isOver = true;
      // Only then has it done with the files that others close afterwards.
      await worker?.terminate();
      end();
    },
  };
}

/** Starts the worker. Returns undefined if this process is not allowed to. */
function startWorker(memory: SharedMemory): Worker | undefined {
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
