import { appendFileSync, close, closeSync, openSync, read, rmSync, writev, writevSync } from "node:fs";
import { promisify } from "node:util";
import { MemoryBytes } from "./memory-store.ts";
import type { ByteSource, StagedBytes, StageWriter } from "./object-store.ts";

/** Bytes buffered before a file is created: small bodies are written once, at their commit. */
const BUFFER_BYTES = 256 * 1024;
/** Bytes read at a time. */
const READ_BYTES = 256 * 1024;

const readAsync = promisify(read);
const writevAsync = promisify(writev);
const closeAsync = promisify(close);

async function writeAll(fd: number, chunks: readonly Buffer[]): Promise<void> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await writevAsync(fd, chunks);
  if (bytesWritten === total) return;
  // Short writes are rare (mostly a full disk), so the rest is copied.
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  if (bytesWritten === 0) throw new Error("The staging file takes no more bytes.");
  await writeAll(fd, [rest]);
}

/**
 * The first bytes of a file as a source. It keeps the file open, so that it reads the same bytes after the file was replaced or
 * deleted.
 */
export class FileSource implements ByteSource {
  readonly size: number;
  #fd: number | undefined;

  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.size = size;
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    for (let position = start; position < end; ) {
      if (this.#fd === undefined) throw new Error("The source is closed.");
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, end - position));
      const { bytesRead } = await readAsync(this.#fd, buffer, 0, buffer.length, position);
      if (bytesRead === 0) throw new Error("The object's file is shorter than its record says.");
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** A complete body: in memory if it is small, otherwise in a file. */
export class StagedFile implements StagedBytes {
  readonly size: number;
  /** The file with the bytes, which exists once they are sealed. */
  readonly path: string;
  #chunks: readonly Buffer[] | undefined;
  #gone = false;

  constructor(path: string, size: number, chunks: readonly Buffer[] | undefined) {
    this.path = path;
    this.size = size;
    this.#chunks = chunks;
  }

  open(): ByteSource {
    if (this.#chunks === undefined) return new FileSource(openSync(this.path, "r"), this.size);
    return new MemoryBytes(this.#chunks, this.size);
  }

  /** Appends the footer. The file can then be renamed and is no longer discarded. */
  seal(footer: Buffer): void {
    if (this.#chunks === undefined) {
      appendFileSync(this.path, footer);
    } else {
      const fd = openSync(this.path, "wx");
      try {
        const written = writevSync(fd, [...this.#chunks, footer]);
        if (written !== this.size + footer.length) throw new Error("The object's file could not be written.");
      } finally {
        closeSync(fd);
      }
    }
    this.#gone = true;
  }

  discard(): void {
    if (this.#gone) return;
    this.#gone = true;
    if (this.#chunks === undefined) rmSync(this.path, { force: true });
    this.#chunks = [];
  }
}

/** Writes a body to a separate file, which is created only if the body exceeds the buffer. */
export class StagedFileWriter implements StageWriter {
  readonly #path: string;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #size = 0;
  #fd: number | undefined;
  #flushed: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  write(chunk: Buffer): Promise<void> | undefined {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    this.#size += chunk.length;
    return this.#buffered > BUFFER_BYTES ? this.#flush() : undefined;
  }

  async finish(): Promise<StagedBytes> {
    if (this.#fd === undefined) return new StagedFile(this.#path, this.#size, this.#chunks);
    await (this.#buffered > 0 ? this.#flush() : this.#flushed);
    await this.#close();
    return new StagedFile(this.#path, this.#size, undefined);
  }

  async abort(): Promise<void> {
    this.#chunks = [];
    await this.#flushed.catch(() => {});
    if (this.#fd === undefined) return;
    await this.#close();
    rmSync(this.#path, { force: true });
  }

  #flush(): Promise<void> {
    this.#fd ??= openSync(this.#path, "wx");
    const fd = this.#fd;
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#buffered = 0;
    this.#flushed = this.#flushed.then(() => writeAll(fd, chunks));
    return this.#flushed;
  }

  async #close(): Promise<void> {
    if (this.#fd !== undefined) await closeAsync(this.#fd);
    this.#fd = undefined;
  }
}
