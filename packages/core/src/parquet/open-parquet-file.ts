import { hasThreads, Worker } from "#platform";
import type { Row } from "../bytes/row.ts";
import { StorageError, type StorageErrorCode } from "../bytes/storage-error.ts";
import type { ByteSource } from "./byte-source.ts";
import type { ParquetLimits } from "./guard/index.ts";
import { openParquet, type ParquetFile } from "./open-parquet.ts";
import type { UntrustedAnswer, UntrustedJob } from "./untrusted-worker.ts";

/** Limits for reading an untrusted file. */
export interface UntrustedLimits {
  /** The longest time for reading one file, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** The most memory for decoding one file, in MiB. Default 512. */
  readonly memoryMiB?: number | undefined;
  /** The most values, of all columns together, that a file may claim to hold. Default 20 million. */
  readonly maxValues?: number | undefined;
  /** The largest file, in bytes, since it is fetched whole. Default 256 MiB. */
  readonly maxBytes?: number | undefined;
}

/** How a file is read. */
export interface OpenParquetOptions {
  /**
   * `true`, or limits, for an untrusted file: it is decoded in a separate thread, so that it can neither hang nor kill the
   * caller. Costs about 50 ms a file. Default false.
   */
  readonly untrusted?: boolean | UntrustedLimits | undefined;
  /** Raises, or lowers, the limits that a file is checked against before it is decoded. */
  readonly limits?: ParquetLimits | undefined;
}

/** The default limits. */
export const DEFAULT_UNTRUSTED_LIMITS: Required<{ readonly [K in keyof UntrustedLimits]: number }> = {
  timeoutMs: 30_000,
  memoryMiB: 512,
  maxValues: 20_000_000,
  maxBytes: 256 * 1024 * 1024,
};

/**
 * Opens a Parquet file as {@link openParquet} does, but decodes the rows of an untrusted file in a separate thread. Its footer
 * is still read here: that takes time and memory in proportion to its size.
 */
export async function openParquetFile(
  source: ByteSource,
  { untrusted = false, limits = {} }: OpenParquetOptions = {},
): Promise<ParquetFile> {
  const file = await openParquet(source, limits);
  if (untrusted === false) return file;
  if (!hasThreads)
    throw new StorageError({
      code: "not_supported",
      op: "readParquet",
      path: source.name,
      message: `readParquet: ${source.name} cannot be read as untrusted: that needs node:worker_threads, which browsers lack. Read it without the option untrusted.`,
    });
  const ofThread = untrusted === true ? {} : untrusted;
  return {
    ...file,
    async *scan(columns = file.columns, constants = {}) {
      const wanted = columns.filter((name) => !Object.hasOwn(constants, name));
      const template = Object.fromEntries(columns.map((name) => [name, null]));
      for await (const rows of scanUntrusted(source, file, wanted, ofThread, limits))
        yield rows.map((row) => ({ ...template, ...row, ...constants }));
    },
  };
}

/**
 * Yields the rows of an untrusted file, decoded in a separate thread with limits of time and memory, so that the file can
 * neither hang nor kill the caller.
 *
 * @throws StorageError `corrupt` if the file is broken or exceeds the limits; `not_supported`.
 */
async function* scanUntrusted(
  source: ByteSource,
  file: ParquetFile,
  columns: readonly string[],
  untrusted: UntrustedLimits,
  limits: ParquetLimits,
): AsyncGenerator<Row[]> {
  const {
    timeoutMs = DEFAULT_UNTRUSTED_LIMITS.timeoutMs,
    memoryMiB = DEFAULT_UNTRUSTED_LIMITS.memoryMiB,
    maxValues = DEFAULT_UNTRUSTED_LIMITS.maxValues,
    maxBytes = DEFAULT_UNTRUSTED_LIMITS.maxBytes,
  } = untrusted;
  if (source.byteLength > maxBytes)
    throw refused(source, `it has ${source.byteLength} bytes, above the limit maxBytes of ${maxBytes}`);
  if (file.valueCount > maxValues)
    throw refused(source, `it claims ${file.valueCount} values, above the limit maxValues of ${maxValues}`);
  const job: UntrustedJob = { name: source.name, bytes: await source.slice(0), columns, limits };
  const worker = new Worker(new URL("./untrusted-worker.js", import.meta.url), {
    workerData: job,
    transferList: [job.bytes],
    // A decoder must not print to the caller's streams.
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
    `${source.name} was read as an untrusted file and refused: ${problem}. Check where the file comes from, or raise the limit.`,
    cause,
  );
}

function refusal(source: ByteSource, code: StorageErrorCode, message: string, cause?: unknown): StorageError {
  return new StorageError({ code, op: "readParquet", path: source.name, message, cause });
}
