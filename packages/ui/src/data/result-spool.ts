import { type FileHandle, open, rm } from "node:fs/promises";
import type { QueryColumn } from "@parquetry/query";
import type { RenderedBatch } from "./render-batch.ts";

/** Rows in one piece of the file. */
const PIECE_ROWS = 1000;

/**
 * The rows of a result in a temporary file, as JSON in pieces of 1,000 rows, so that any range of millions of rows is read in
 * constant memory. Rows can be read while others are still added.
 */
export class ResultSpool {
  readonly columns: readonly QueryColumn[];
  readonly #file: FileHandle;
  readonly #path: string;
  /** Where each piece begins; a last one that is not full yet is in `#open`. */
  readonly #pieces: { readonly offset: number; readonly bytes: number }[] = [];
  #open: string[] = [];
  #bytes = 0;

  private constructor(columns: readonly QueryColumn[], file: FileHandle, path: string) {
    this.columns = columns;
    this.#file = file;
    this.#path = path;
  }

  static async create(path: string, columns: readonly QueryColumn[]): Promise<ResultSpool> {
    return new ResultSpool(columns, await open(path, "wx+", 0o600), path);
  }

  /** How many rows there are so far. */
  get rows(): number {
    return this.#pieces.length * PIECE_ROWS + this.#open.length;
  }

  /** Adds rows. Calls must not overlap. */
  async add(batch: RenderedBatch): Promise<void> {
    for (const row of batch) {
      this.#open.push(row);
      if (this.#open.length === PIECE_ROWS) await this.#write();
    }
  }

  async #write(): Promise<void> {
    const piece = Buffer.from(this.#open.join(",\n"));
    await this.#file.write(piece, 0, piece.length, this.#bytes);
    this.#pieces.push({ offset: this.#bytes, bytes: piece.length });
    this.#bytes += piece.length;
    this.#open = [];
  }

  /** Returns the rows from `start` to before `end`, each as the JSON of an array. */
  async read(start: number, end: number): Promise<readonly string[]> {
    const rows: string[] = [];
    const last = Math.min(end, this.rows);
    for (let row = start; row < last; ) {
      const index = Math.floor(row / PIECE_ROWS);
      const piece = this.#pieces[index];
      const all = piece === undefined ? this.#open : await this.#readPiece(piece);
      const part = all.slice(row - index * PIECE_ROWS, last - index * PIECE_ROWS);
      if (part.length === 0) break;
      rows.push(...part);
      row += part.length;
    }
    return rows;
  }

  async #readPiece({
    offset,
    bytes,
  }: {
    readonly offset: number;
    readonly bytes: number;
  }): Promise<string[]> {
    const piece = Buffer.allocUnsafe(bytes);
    await this.#file.read(piece, 0, bytes, offset);
    return piece.toString("utf8").split(",\n");
  }

  /** Deletes the file. */
  async close(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}
