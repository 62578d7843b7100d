import { hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { type Key, type ReplayableBody, StorageError, throwIfAborted } from "@parquetry/core/backend";
import { abortedError, type HashedPutOptions, mapConcurrent, unlessAborted } from "@parquetry/core/unstable";
import type { PartOnThread, PieceMemory, ReadingThread } from "./reading-thread.ts";

/** How much of a body is passed to the thread at once, in bytes. */
const PIECE_BYTES = 512 * 1024;

/** How much of a body is opened at once, in whole parts, in bytes. */
export const RANGE_BYTES: number = 32 * 1024 * 1024;

/** How many ranges are read concurrently: as many as the thread hashes at the same time. */
const RANGES = 4;

/** How much is written before the system is asked to store it, in bytes, so that little is left to be stored at the end. */
const SYNC_BYTES = 32 * 1024 * 1024;

/** The thread has ended, so the caller has to do without it. */
export class ThreadIsOver extends Error {}

/** Options of {@link writeHashed}. */
export interface WriteHashedOptions extends Pick<HashedPutOptions, "partSizeBytes" | "signal"> {
  /** The key of the object that the body becomes, for errors. */
  readonly key: Key;
  /** The file, open for reading and writing. */
  readonly file: FileHandle;
}

/**
 * Reads several ranges of a body concurrently, and has the thread write them to a file, compare the file with them, and hash them.
 * Returns the MD5s of the parts, in hex.
 *
 * @throws StorageError `corrupt` if the body has other bytes than announced; errors of the body and of the file; {@link ThreadIsOver}.
 */
export async function writeHashed(
  thread: ReadingThread,
  body: ReplayableBody,
  options: WriteHashedOptions,
): Promise<readonly string[]> {
  const { partSizeBytes } = options;
  const { sizeBytes } = body;
  if (sizeBytes === 0) return [hash("md5", "", "hex")];
  const rangeBytes = Math.max(1, Math.floor(RANGE_BYTES / partSizeBytes)) * partSizeBytes;
  const starts = Array.from({ length: Math.ceil(sizeBytes / rangeBytes) }, (_, i) => i * rangeBytes);
  const writing = new Writing(thread, options, sizeBytes);
  await mapConcurrent(starts, RANGES, (start) =>
    writing.copyRange(body, start, Math.min(start + rangeBytes, sizeBytes)),
  );
  await writing.synced();
  return writing.md5s;
}

class Writing {
  readonly md5s: string[] = [];
  readonly #thread: ReadingThread;
  readonly #options: WriteHashedOptions;
  readonly #sizeBytes: number;
  #isFailed = false;
  #failure: unknown;
  #unsyncedBytes = 0;
  #syncing: Promise<void> | undefined;

  constructor(thread: ReadingThread, options: WriteHashedOptions, sizeBytes: number) {
    this.#thread = thread;
    this.#options = options;
    this.#sizeBytes = sizeBytes;
  }

  async copyRange(body: ReplayableBody, start: number, end: number): Promise<void> {
    const { key, partSizeBytes, signal, file } = this.#options;
    const pending: Promise<void>[] = [];
    let position = start;
    let part: PartOnThread | undefined;
    let piece: PieceMemory | undefined;
    let filled = 0;
    try {
      for await (const chunk of body.open({ start, end })) {
        throwIfAborted(signal, "put", key, "local");
        if (this.#isFailed) throw this.#failure;
        if (position + chunk.byteLength > end) throw changed(key);
        for (let at = 0; at < chunk.byteLength; ) {
          const index = Math.floor(position / partSizeBytes);
          const partEnd = Math.min((index + 1) * partSizeBytes, this.#sizeBytes);
          part ??= this.#thread.beginPart();
          piece ??= await this.#take();
          const size = Math.min(chunk.byteLength - at, PIECE_BYTES - filled, partEnd - position);
          // Unlike `set`, which copies to shared memory word by word, `fill` copies by memcpy.
          piece.bytes.fill(chunk.subarray(at, at + size), filled, filled + size);
          at += size;
          position += size;
          filled += size;
          const isLast = position === partEnd;
          if (!isLast && filled < PIECE_BYTES) continue;
          const place = { descriptor: file.fd, position: position - filled };
          const added = part.add(piece, { length: filled, isLast, file: place });
          pending.push(this.#added(added, filled, isLast ? index : undefined));
          piece = undefined;
          filled = 0;
          if (isLast) part = undefined;
        }
      }
      if (position < end) throw changed(key);
    } catch (error) {
      this.#fail(error);
    }
    piece?.release();
    // The thread must have done with the file before anyone closes it.
    await Promise.all(pending);
    part?.drop();
    if (this.#isFailed) throw this.#failure;
  }

  /** Waits until the system has stored what it was asked to store. */
  async synced(): Promise<void> {
    await this.#syncing;
    if (this.#isFailed) throw this.#failure;
  }

  async #take(): Promise<PieceMemory> {
    const { signal, key } = this.#options;
    const taking = this.#thread.take(PIECE_BYTES);
    try {
      const piece = await unlessAborted(taking, signal);
      if (piece === undefined) throw new ThreadIsOver();
      return piece;
    } catch (error) {
      if (error instanceof ThreadIsOver) throw error;
      void taking.then((piece) => piece?.release());
      throw signal?.aborted ? abortedError(signal, "put", key, "local") : error;
    }
  }

  /** Waits for a piece, and keeps the MD5 of the part that it completes. */
  async #added(adding: Promise<string | undefined>, bytes: number, part: number | undefined): Promise<void> {
    try {
      const md5 = await adding;
      if (part !== undefined) {
        if (md5 === undefined) throw new ThreadIsOver();
        this.md5s[part] = md5;
      }
      this.#unsyncedBytes += bytes;
      if (this.#unsyncedBytes >= SYNC_BYTES) this.#sync();
    } catch (error) {
      this.#fail(error);
    }
  }

  #sync(): void {
    const { file } = this.#options;
    if (this.#syncing !== undefined) return;
    this.#unsyncedBytes = 0;
    this.#syncing = file.datasync().then(
      () => {
        this.#syncing = undefined;
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #fail(error: unknown): void {
    if (!this.#isFailed) this.#failure = error;
    this.#isFailed = true;
  }
}

function changed(key: Key): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "put",
    path: key,
    backend: "local",
    message: `put ${key}: the body changed while it was read. Nothing was stored.`,
  });
}
