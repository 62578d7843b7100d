import type { ScanFile } from "../../files/scan-file.ts";
import type { FileGroup, ScanTable } from "../views/scan-table.ts";
import { type PackedFiles, packFiles, unpackFiles } from "./packed-files.ts";

/** The child keeps at least this many of the files that it was sent last. */
const KEPT_FILES = 100_000;
/** Stands for a file that has no number. */
const NONE = 0xffffffff;

/** A list of files by their numbers. The new ones are in the message, the child has kept the others. */
export interface SentFiles {
  readonly numbers: Uint32Array;
  /** The number of the first new file. */
  readonly first: number;
  readonly added: PackedFiles;
}

/** Tables without their files, which are in `files`, in the same order. */
export interface SentTables {
  readonly files: SentFiles;
  readonly tables: readonly SentTable[];
}

interface SentTable extends Omit<ScanTable, "groups"> {
  readonly groups: readonly SentGroup[];
}

interface SentGroup extends Omit<FileGroup, "files"> {
  readonly fileCount: number;
}

/** Sends files to one child process: a repeated query sends numbers only (docs/decisions/0039). */
export class FileSender {
  readonly #keptFiles: number;
  readonly #numbers = new WeakMap<ScanFile, number>();
  #next = 0;

  /** @param keptFiles how many files the {@link FileReceiver} keeps. */
  constructor(keptFiles: number = KEPT_FILES) {
    this.#keptFiles = keptFiles;
  }

  /** @param call sends the message. It is called without a pause: messages must arrive in the order of their numbers. */
  async send<T>(files: readonly ScanFile[], call: (sent: SentFiles) => Promise<T>): Promise<T> {
    for (;;) {
      const news = [...new Set(files.filter((file) => this.#kept(file) === undefined))];
      const added = await packFiles(news);
      const first = this.#next;
      const places = new Map(news.map((file, i) => [file, first + i]));
      const numbers = Uint32Array.from(files, (file) => places.get(file) ?? this.#kept(file) ?? NONE);
      // Calls that were sent in the meantime can have pushed a file out.
      if (numbers.includes(NONE)) continue;
      this.#next += news.length;
      const answer = await call({ numbers, first, added });
      for (const [file, number] of places) this.#numbers.set(file, number);
      return answer;
    }
  }

  /** {@link FileSender.send} for tables. */
  sendTables<T>(tables: readonly ScanTable[], call: (sent: SentTables) => Promise<T>): Promise<T> {
    const files = tables.flatMap(({ groups }) => groups.flatMap((group) => group.files));
    const withoutFiles = tables.map(({ groups, ...table }) => ({
      ...table,
      groups: groups.map(({ files: own, ...group }) => ({ ...group, fileCount: own.length })),
    }));
    return this.send(files, (sent) => call({ files: sent, tables: withoutFiles }));
  }

  /** The number of a file that the child still has. */
  #kept(file: ScanFile): number | undefined {
    const number = this.#numbers.get(file);
    return number !== undefined && number >= this.#next - this.#keptFiles ? number : undefined;
  }
}

/** The files that the child was sent. */
export class FileReceiver {
  readonly #keptFiles: number;
  readonly #files = new Map<number, ScanFile>();

  constructor(keptFiles: number = KEPT_FILES) {
    this.#keptFiles = keptFiles;
  }

  /** The files of a message. */
  receive({ numbers, first, added }: SentFiles): readonly ScanFile[] {
    const news = unpackFiles(added);
    for (const [i, file] of news.entries()) this.#files.set(first + i, file);
    const files = Array.from(numbers, (number) => {
      const file = this.#files.get(number);
      if (file === undefined) throw new Error(`the file ${number} was not sent`);
      return file;
    });
    const end = first + news.length;
    for (const number of this.#files.keys()) {
      if (number >= end - this.#keptFiles) break;
      this.#files.delete(number);
    }
    return files;
  }

  /** The tables of a message. */
  receiveTables({ files, tables }: SentTables): readonly ScanTable[] {
    const received = this.receive(files);
    let taken = 0;
    const take = (count: number): readonly ScanFile[] => {
      taken += count;
      return received.slice(taken - count, taken);
    };
    return tables.map((table) => ({
      ...table,
      groups: table.groups.map(({ fileCount, ...group }) => ({
        ...group,
        files: take(fileCount),
      })),
    }));
  }
}
