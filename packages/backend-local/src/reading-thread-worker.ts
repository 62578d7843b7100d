import { hash } from "node:crypto";
import { type BigIntStats, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { isOnDiskSync } from "./at-rest.ts";
import { DiskPace } from "./disk-pace.ts";
import { localEtag } from "./local-etag.ts";
import { inBlocks, type Md5Input, Md5Lanes, type Md5Run, type SharedMemory } from "./md5-lanes.ts";
import { LANES } from "./md5-module.ts";
import { READ_CALLS, readSmallFile } from "./read-small-file.ts";

/** A read: the expected version of a file, its range, and the place for the bytes. */
export interface ReadJob {
  readonly kind: "read";
  readonly id: number;
  readonly path: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly start: number;
  readonly length: number;
  readonly offset: number;
}

/** The expected version of a file. */
export interface FileVersion {
  readonly path: string;
  readonly etag: string;
  readonly sizeBytes: number;
}

/** Several files to hash, and the place for their bytes, each at the start of a block. */
export interface HashJob {
  readonly kind: "hash";
  readonly id: number;
  readonly offset: number;
  readonly files: readonly FileVersion[];
}

/** The hash of a file. */
export interface FileHash {
  /** The MD5 in hex. */
  readonly md5: string;
  /** Whether the file system records every change, as far as can be recognised. */
  readonly isOnDisk: boolean;
}

/** How long the file system took for a read, in milliseconds, and the number of calls that the read counts as. */
export interface ReadPace {
  readonly ms: number;
  readonly calls: number;
}

/** The next bytes of a part of a body. They are written to a file, read back, compared and hashed. */
export interface PieceJob {
  readonly kind: "piece";
  readonly id: number;
  /** The part that they belong to; its pieces come in order. */
  readonly part: number;
  readonly offset: number;
  /** A multiple of 64, unless it is the last piece of its part. */
  readonly length: number;
  readonly isLast: boolean;
  readonly file: { readonly descriptor: number; readonly position: number };
}

/** The end of a part that failed: its MD5 is not needed. */
export interface DropJob {
  readonly kind: "drop";
  readonly part: number;
}

/** A job of the thread. */
export type ThreadJob = ReadJob | HashJob | PieceJob | DropJob;

/** The result of a job. */
export interface ThreadAnswer {
  readonly id: number;
  /** The MD5 in hex: of the bytes read, or of a part after its last piece. Undefined if the file was not read. */
  readonly md5?: string | undefined;
  /** The hashes of a {@link HashJob}; undefined in place of a file that was not read. */
  readonly hashes?: readonly (FileHash | undefined)[];
  /** The pace of each read. */
  readonly paces?: readonly ReadPace[];
  /** Why a piece was not written. */
  readonly failure?: { readonly message: string; readonly code: string | undefined } | undefined;
}

/** The bytes that a page cache returns at least in the time of one call; a device is slower. */
const BYTES_PER_CALL = 128 * 1024;

/** The answers of this time, in milliseconds, are sent in one message, since each message wakes the other thread. */
const ANSWERS_TOGETHER_MS = 1;

/** Pieces of fewer parts than there are lanes wait for those of others this long, in milliseconds, if nothing arrives. */
const WAIT_FOR_LANES_MS = 3;

/** How much may wait, in bytes. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** Files up to this size, in bytes, are hashed one by one: they would be answered later otherwise. */
const SMALL_BYTES = 16 * 1024;

const memory: SharedMemory = workerData;
const lanes = new Md5Lanes(memory);
/** The MD5s of the parts that have begun and not ended. */
const parts = new Map<number, Md5Run>();
/** The written pieces that wait to be hashed, by part and in order. */
const waiting = new Map<number, PieceJob[]>();
let waitingBytes = 0;
let timer: NodeJS.Timeout | undefined;
let answers: ThreadAnswer[] = [];
let toldAt = 0;
let comparison = Buffer.alloc(0);

parentPort?.on("message", (jobs: readonly ThreadJob[]) => {
  clearTimeout(timer);
  toldAt = performance.now();
  const reads: ReadJob[] = [];
  for (const job of jobs) {
    if (job.kind === "read") reads.push(job);
    else if (job.kind === "piece") takePiece(job);
    else if (job.kind === "hash") hashTogether(job);
    else drop(job.part);
  }
  // Hashing some together takes as long as the longest of them.
  reads.sort((a, b) => a.length - b.length);
  for (let i = 0; i < reads.length; i += LANES) readTogether(reads.slice(i, i + LANES));
  // A part without a waiting piece may get one soon, which can be hashed at the same time.
  while (
    waiting.size > 0 &&
    (waiting.size >= Math.min(LANES, parts.size) || waitingBytes > MAX_WAITING_BYTES)
  )
    hashPieces();
  tell();
  if (waiting.size > 0) timer = setTimeout(hashRest, WAIT_FOR_LANES_MS);
});

function answer(one: ThreadAnswer): void {
  answers.push(one);
  if (performance.now() - toldAt >= ANSWERS_TOGETHER_MS) tell();
}

function tell(): void {
  if (answers.length > 0) parentPort?.postMessage(answers);
  answers = [];
  toldAt = performance.now();
}

/** Reads some files or ranges, and hashes the larger ones at the same time. */
function readTogether(jobs: readonly ReadJob[]): void {
  const inputs: { readonly job: ReadJob; readonly paces: readonly ReadPace[]; readonly input: Md5Input }[] =
    [];
  for (const job of jobs) {
    const { id, offset, length } = job;
    const { bytes, pace } = readTimed(job);
    const paces = [pace];
    if (bytes === undefined) answer({ id });
    else if (length < SMALL_BYTES || jobs.length === 1) answer({ id, md5: hash("md5", bytes, "hex"), paces });
    else inputs.push({ job, paces, input: { run: lanes.begin(), offset, length, isLast: true } });
  }
  lanes.add(inputs.map(({ input }) => input));
  for (const { job, paces, input } of inputs) answer({ id: job.id, md5: input.run.md5, paces });
}

/** Reads and hashes files, up to where the disk turns out to be slow: the rest is left to those that read concurrently. */
function hashTogether({ id, offset, files }: HashJob): void {
  const paces: ReadPace[] = [];
  const hashes: (FileHash | undefined)[] = [];
  const inputs: { readonly at: number; readonly isOnDisk: boolean; readonly input: Md5Input }[] = [];
  const disk = new DiskPace();
  let next = offset;
  let folder: { readonly path: string; readonly isOnDisk: boolean } | undefined;
  for (const [at, { path, etag, sizeBytes: length }] of files.entries()) {
    const place = { path, etag, sizeBytes: length, start: 0, length, offset: next };
    next += inBlocks(length);
    if (!disk.isQuick) break;
    const { bytes, pace } = readTimed(place);
    paces.push(pace);
    disk.took(pace.ms, pace.calls);
    if (bytes === undefined) continue;
    const inFolder = dirname(path);
    if (folder?.path !== inFolder) folder = { path: inFolder, isOnDisk: isOnDiskSync(inFolder) };
    const input = { run: lanes.begin(), offset: place.offset, length, isLast: true };
    inputs.push({ at, isOnDisk: folder.isOnDisk, input });
  }
  // The longest first, so that no lane is left with much when the others have finished.
  inputs.sort((a, b) => b.input.length - a.input.length);
  lanes.add(inputs.map(({ input }) => input));
  for (const { at, isOnDisk, input } of inputs) {
    const { md5 } = input.run;
    if (md5 !== undefined) hashes[at] = { md5, isOnDisk };
  }
  answer({ id, hashes, paces });
}

/** The range that is read, and the place in the memory for its bytes. */
type Place = Pick<ReadJob, "path" | "etag" | "sizeBytes" | "start" | "length" | "offset">;

function readTimed(place: Place): { readonly bytes: Uint8Array | undefined; readonly pace: ReadPace } {
  const startedAt = performance.now();
  const bytes = read(place);
  const calls = READ_CALLS + place.length / BYTES_PER_CALL;
  return { bytes, pace: { ms: performance.now() - startedAt, calls } };
}

function read({ path, etag, sizeBytes, start, length, offset }: Place): Uint8Array | undefined {
  const memoryFor = (stats: BigIntStats): Uint8Array | undefined =>
    Number(stats.size) === sizeBytes && localEtag(stats) === etag
      ? new Uint8Array(memory.buffer, offset, length)
      : undefined;
  return readSmallFile(path, memoryFor, start)?.bytes;
}

function takePiece(piece: PieceJob): void {
  try {
    writePiece(piece);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    answer({ id: piece.id, failure: { message: String(error), code } });
    return;
  }
  if (!parts.has(piece.part)) parts.set(piece.part, lanes.begin());
  const ofPart = waiting.get(piece.part);
  if (ofPart === undefined) waiting.set(piece.part, [piece]);
  else ofPart.push(piece);
  waitingBytes += piece.length;
}

/** Writes a piece, and compares the file with it. */
function writePiece({ file, offset, length }: PieceJob): void {
  const { descriptor, position } = file;
  const bytes = new Uint8Array(memory.buffer, offset, length);
  for (let done = 0; done < length; )
    done += writeSync(descriptor, bytes, done, length - done, position + done);
  if (comparison.byteLength < length) comparison = Buffer.allocUnsafeSlow(length);
  let back = 0;
  for (let read = -1; back < length && read !== 0; back += read)
    read = readSync(descriptor, comparison, back, length - back, position + back);
  if (back !== length || comparison.compare(bytes, 0, length, 0, length) !== 0)
    throw new Error(`the file holds other bytes at ${position} than were written`);
}

/** Hashes the next piece of each of as many parts as there are lanes, those with the most first. */
function hashPieces(): void {
  const most = [...waiting.values()].sort((a, b) => b.length - a.length).slice(0, LANES);
  const inputs = most.flatMap((ofPart) => {
    const piece = ofPart.shift();
    const run = piece && parts.get(piece.part);
    if (piece === undefined || run === undefined) return [];
    const { part, offset, length, isLast } = piece;
    if (ofPart.length === 0) waiting.delete(part);
    if (isLast) parts.delete(part);
    waitingBytes -= length;
    return [{ piece, input: { run, offset, length, isLast } }];
  });
  lanes.add(inputs.map(({ input }) => input));
  for (const { piece, input } of inputs) answer({ id: piece.id, md5: input.run.md5 });
}

function hashRest(): void {
  while (waiting.size > 0) hashPieces();
  tell();
}

/** Forgets a part. Its pieces have been answered, since the caller waits for them. */
function drop(part: number): void {
  parts.delete(part);
}
