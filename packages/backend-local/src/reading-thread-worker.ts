import { hash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { localEtag } from "./local-etag.ts";
import { READ_CALLS, readSmallFile } from "./read-small-file.ts";

/** A read: the expected version of a file, its range, and the place for the bytes. */
export interface ReadJob {
  readonly id: number;
  readonly path: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly start: number;
  readonly length: number;
  readonly offset: number;
}

/** The result of a {@link ReadJob}. */
export interface ReadAnswer {
  readonly id: number;
  /** The MD5 of the bytes in hex; undefined if the file was not read. */
  readonly md5: string | undefined;
  /** The time that the file system took, in milliseconds. */
  readonly ms: number;
  /** The number of calls that the read counts as. */
  readonly calls: number;
}

/** The bytes that a page cache returns at least in the time of one call; a device is slower. */
const BYTES_PER_CALL = 128 * 1024;

/** The answers of this time, in milliseconds, are sent in one message, since each message wakes the other thread. */
const ANSWERS_TOGETHER_MS = 1;

const memory: SharedArrayBuffer = workerData;

parentPort?.on("message", (jobs: readonly ReadJob[]) => {
  let answers: ReadAnswer[] = [];
  let toldAt = performance.now();
  for (const job of jobs) {
    answers.push(read(job));
    if (performance.now() - toldAt < ANSWERS_TOGETHER_MS) continue;
    parentPort?.postMessage(answers);
    answers = [];
    toldAt = performance.now();
  }
  if (answers.length > 0) parentPort?.postMessage(answers);
});

function read({ id, path, etag, sizeBytes, start, length, offset }: ReadJob): ReadAnswer {
  const startedAt = performance.now();
  const memoryFor = (stats: BigIntStats): Uint8Array | undefined =>
    Number(stats.size) === sizeBytes && localEtag(stats) === etag
      ? new Uint8Array(memory, offset, length)
      : undefined;
  const file = readSmallFile(path, memoryFor, start);
  const ms = performance.now() - startedAt;
  const calls = READ_CALLS + length / BYTES_PER_CALL;
  return { id, md5: file && hash("md5", file.bytes, "hex"), ms, calls };
}
