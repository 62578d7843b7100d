import { Worker } from "node:worker_threads";
import type { Row } from "../bytes/row.ts";
import { StorageError, type StorageErrorCode } from "../bytes/storage-error.ts";
import type { ByteSource } from "./byte-source.ts";
import type { ParquetFile } from "./open-parquet.ts";
import { DEFAULT_UNTRUSTED_LIMITS, type UntrustedLimits } from "./untrusted-limits.ts";
import type { UntrustedAnswer, UntrustedJob } from "./untrusted-worker.ts";

/**
 * Reads rows of a file that nobody vouches for: in a thread of its own, with limits of time and memory, so that the file
 * can neither hang nor kill the caller.
 *
 * @throws StorageError `corrupt` where the file is broken or needs more than the limits allow; `not_supported`.
 */
export async function* scanUntrusted(
  source: ByteSource,
  file: ParquetFile,
  columns: readonly string[] | undefined,
  limits: UntrustedLimits,
): AsyncGenerator<Row[]> {
  const {
    timeoutMs = DEFAULT_UNTRUSTED_LIMITS.timeoutMs,
    memoryMiB = DEFAULT_UNTRUSTED_LIMITS.memoryMiB,
    maxValues = DEFAULT_UNTRUSTED_LIMITS.maxValues,
    maxBytes = DEFAULT_UNTRUSTED_LIMITS.maxBytes,
  } = limits;
  if (source.byteLength > maxBytes)
    throw refused(source, `it has ${source.byteLength} bytes, above the limit maxBytes of ${maxBytes}`);
  if (file.valueCount > maxValues)
    throw refused(source, `it claims ${file.valueCount} values, above the limit maxValues of ${maxValues}`);
  const job: UntrustedJob = { name: source.name, bytes: await source.slice(0), columns };
  const worker = new Worker(new URL("./untrusted-worker.js", import.meta.url), {
    workerData: job,
    transferList: [job.bytes],
    // What a decoder prints, or the file makes it print, is not the caller's.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB, maxYoungGenerationSizeMb: 64 },
  });
  const deadline = performance.now() + timeoutMs;
  try {
    for (;;) {
      const answer = await ask(worker, source, deadline, timeoutMs, memoryMiB);
      if ("done" in answer) return;
      if ("error" in answer) throw refusal(source, answer.error.code, answer.error.message);
      yield answer.rows;
    }
  } finally {
    await worker.terminate();
  }
}

function ask(
  worker: Worker,
  source: ByteSource,
  deadline: number,
  timeoutMs: number,
  memoryMiB: number,
): Promise<UntrustedAnswer> {
  return new Promise((resolve, reject) => {
    const stop = (problem: string, cause?: unknown): void =>
      settle(() => reject(refused(source, problem, cause)));
    const onMessage = (answer: UntrustedAnswer): void => settle(() => resolve(answer));
    const onError = (error: Error): void => {
      const outOfMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
      stop(
        outOfMemory ? `decoding it takes more than the limit memoryMiB of ${memoryMiB}` : error.message,
        error,
      );
    };
    const onExit = (): void => stop("its decoder ended early");
    const timer = setTimeout(
      () => stop(`decoding it takes longer than the limit timeoutMs of ${timeoutMs}`),
      Math.max(0, deadline - performance.now()),
    );
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      end();
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    worker.postMessage("next");
  });
}

function refused(source: ByteSource, problem: string, cause?: unknown): StorageError {
  return refusal(
    source,
    "corrupt",
    `${source.name} is not read, because nobody vouches for it and ${problem}. Check where it comes from, or raise the limit.`,
    cause,
  );
}

function refusal(source: ByteSource, code: StorageErrorCode, message: string, cause?: unknown): StorageError {
  return new StorageError({ code, op: "readParquet", path: source.name, message, cause });
}
