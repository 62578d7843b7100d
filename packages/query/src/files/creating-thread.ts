import { Worker } from "node:worker_threads";
import type { CreateAnswer, CreateJobs } from "./creating-thread-worker.ts";

/** The most that is sent in one message, in bytes. */
const MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * A thread that creates small files. Node's pool takes four steps for a file, each of which wakes a thread; here one message creates all
 * files that came while the last ones were being created.
 */
export interface CreatingThread {
  /**
   * Writes a file under a temporary name, and renames it. Returns false if the thread has ended, or could not start: the caller has to create
   * the file then, of which the temporary one may be there.
   *
   * @throws Error of the system, with its `code` and the property `syscall`.
   */
  create(part: string, path: string, bytes: Uint8Array): Promise<boolean>;
  /** Ends the thread. */
  close(): Promise<void>;
}

interface Waiting {
  readonly part: string;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly settle: (answer: CreateAnswer | typeof ENDED) => void;
}

const ENDED = "ended";

/** Starts the thread. Returns undefined if this process is not allowed to. */
export function startCreatingThread(program: URL = PROGRAM): CreatingThread | undefined {
  const worker = startWorker(program);
  if (worker === undefined) return undefined;
  let waiting: Waiting[] = [];
  let sent: readonly Waiting[] = [];
  let isOver = false;

  const send = (): void => {
    if (sent.length > 0 || waiting.length === 0) return;
    const count = countWithin(waiting, MESSAGE_BYTES);
    sent = waiting.slice(0, count);
    waiting = waiting.slice(count);
    worker.postMessage(...messageOf(sent));
  };
  const end = (): void => {
    isOver = true;
    const rest = [...sent, ...waiting];
    [sent, waiting] = [[], []];
    for (const { settle } of rest) settle(ENDED);
  };
  worker.on("message", (answers: readonly CreateAnswer[]) => {
    const done = sent;
    sent = [];
    send();
    for (const [i, { settle }] of done.entries()) settle(answers[i]);
  });
  // For example, a bundle without the program of the thread, or a process without memory for it.
  worker.on("error", () => {});
  // Only then does it create nothing more.
  worker.on("exit", end);
  return {
    async create(part, path, bytes) {
      const answer = await new Promise<CreateAnswer | typeof ENDED>((settle) => {
        if (isOver) return settle(ENDED);
        waiting.push({ part, path, bytes, settle });
        // Others of this turn join it.
        if (waiting.length === 1) setImmediate(send);
      });
      if (answer === ENDED) return false;
      if (answer === undefined) return true;
      throw Object.assign(new Error(answer.message), { code: answer.code, syscall: "write" });
    },
    async close() {
      await worker.terminate();
    },
  };
}

/** How many files fit into a message: at least one. */
function countWithin(files: readonly Waiting[], maxBytes: number): number {
  let bytes = 0;
  const beyond = files.findIndex((file, i) => {
    bytes += file.bytes.byteLength;
    return i > 0 && bytes > maxBytes;
  });
  return beyond < 0 ? files.length : beyond;
}

function messageOf(files: readonly Waiting[]): [CreateJobs, ArrayBuffer[]] {
  const sizes = Float64Array.from(files, (file) => file.bytes.byteLength);
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const file of files) {
    bytes.set(file.bytes, at);
    at += file.bytes.byteLength;
  }
  const paths = files.map(({ part, path }) => `${part}\0${path}`).join("\0");
  return [{ bytes, sizes, paths }, [bytes.buffer]];
}

function startWorker(program: URL): Worker | undefined {
  try {
    // The flags of this process's command line are meant for its own script.
    return new Worker(program, { execArgv: [] });
  } catch {
    return undefined;
  }
}

/** The built program, also if this module runs from its source. */
const PROGRAM = new URL(
  import.meta.url.endsWith(".ts")
    ? "../../dist/files/creating-thread-worker.js"
    : "./creating-thread-worker.js",
  import.meta.url,
);
