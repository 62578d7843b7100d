import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CustomKind, checkOptions, invalid } from "@parquetry/core/unstable";
import { readUploadRecord, type UploadRecord } from "./read-upload-record.ts";

/** The name of a record's file, which is made of its URL. */
const RECORD_NAME = /^[0-9a-f]{32}\.json$/;

/** The size of a record of 10,000 parts is about 1.5 MB. A larger file is not a record. */
const MAX_RECORD_BYTES = 8 * 1024 * 1024;

const WRITE_OPTIONS = { mode: 0o600, flush: true } as const;

/** Records uploads in parts beyond the end of a process, so that a later one resumes or aborts them. */
export interface UploadJournal {
  /** Returns the upload to a URL, or undefined. */
  get(url: string): UploadRecord | undefined;
  /** Records the state of an upload, durably once the result resolves. A later state of the same upload may replace it before. */
  set(record: UploadRecord): void | Promise<void>;
  /** Removes an upload that has become an object or was aborted. */
  delete(url: string): void;
  /** Returns all recorded uploads. */
  records(): readonly UploadRecord[];
}

/** The kind of an option that takes an {@link UploadJournal}. */
export const UPLOAD_JOURNAL_KIND: CustomKind = {
  expected: "an UploadJournal, as openUploadJournal(folder) returns",
  is: (value) =>
    typeof value === "object" &&
    value !== null &&
    ["get", "set", "delete", "records"].every((name) => typeof Reflect.get(value, name) === "function"),
};

/**
 * Opens a journal in a folder. Each upload is a file that is replaced as a whole, so that a crash leaves the last state or
 * the one before it. If the folder cannot be written, `onProblem` is called with the reason, and nothing is recorded. A record
 * with an impossible value is dropped and reported in the same way, and its file is sent from the start.
 *
 * @throws StorageError `invalid_argument` for a folder that is not a string.
 * @example
 * ```ts
 * const uploads = openUploadJournal(join(homedir(), ".cache/parquetry/uploads"));
 * await runMigration(disk, bucket, { uploads });
 * ```
 */
export function openUploadJournal(
  folder: string,
  onProblem: (problem: string) => void = () => {},
): UploadJournal {
  // A missing folder becomes null, since an undefined option passes.
  const given = { folder: folder ?? null, onProblem };
  checkOptions(given, { folder: "string", onProblem: "function" }, "openUploadJournal");
  const pathOf = (url: string): string => {
    if (typeof url !== "string") throw invalid("UploadJournal", "url must be a string");
    return join(folder, `${createHash("sha256").update(url).digest("hex").slice(0, 32)}.json`);
  };
  const reportUnwritten = (error: unknown): void =>
    onProblem(`the journal of uploads ${folder} cannot be written: ${String(error)}`);
  const write = async (path: string, record: UploadRecord): Promise<void> => {
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(`${path}.tmp`, JSON.stringify(record), WRITE_OPTIONS);
      await rename(`${path}.tmp`, path);
    } catch (error) {
      reportUnwritten(error);
    }
  };
  /** The write of each record that is under way, and the one that follows it with the latest state. */
  const writes = new Map<string, { running: Promise<void>; next?: Promise<void>; latest: UploadRecord }>();
  const set = async (record: UploadRecord): Promise<void> => {
    let path: string;
    try {
      path = pathOf(record.url);
    } catch (error) {
      return reportUnwritten(error);
    }
    const begun = writes.get(path);
    if (begun === undefined) {
      const running = write(path, record);
      writes.set(path, { running, latest: record });
      return end(path, running);
    }
    begun.latest = record;
    // The parts that arrive during a write are recorded together by the next one.
    begun.next ??= begun.running.then(() => {
      delete begun.next;
      begun.running = write(path, begun.latest);
      return end(path, begun.running);
    });
    return begun.next;
  };
  const end = async (path: string, running: Promise<void>): Promise<void> => {
    await running;
    const begun = writes.get(path);
    if (begun?.running === running && begun.next === undefined) writes.delete(path);
  };
  const drop = (path: string, problem: string): void => {
    rmSync(path, { force: true });
    onProblem(
      `the record of an unfinished upload ${path} is ignored: ${problem}; the file is sent from its start`,
    );
  };
  const read = (path: string): UploadRecord | undefined => {
    try {
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      if (!stats.isFile() || stats.size > MAX_RECORD_BYTES) {
        drop(path, `${stats.size} bytes are too many`);
        return undefined;
      }
      const { record, problem } = readUploadRecord(readFileSync(path, "utf8"));
      if (record === undefined || pathOf(record.url) !== path) {
        drop(path, problem ?? "it is the record of another file");
        return undefined;
      }
      if (problem !== undefined) {
        onProblem(
          `the record of the unfinished upload of ${record.key} is ignored: ${problem}; it is sent from its start`,
        );
        // Without the state, the upload is found at the store by its key and time, and aborted.
        writeFileSync(`${path}.tmp`, JSON.stringify(record), WRITE_OPTIONS);
        renameSync(`${path}.tmp`, path);
      }
      return record;
    } catch (error) {
      onProblem(`the journal of uploads ${folder} cannot be read: ${String(error)}`);
      return undefined;
    }
  };
  return {
    get: (url) => read(pathOf(url)),
    set,
    delete(url) {
      try {
        for (const path of [pathOf(url), `${pathOf(url)}.tmp`]) rmSync(path, { force: true });
      } catch (error) {
        reportUnwritten(error);
      }
    },
    records() {
      let names: string[];
      try {
        names = readdirSync(folder);
      } catch {
        return [];
      }
      return names
        .filter((name) => RECORD_NAME.test(name))
        .map((name) => read(join(folder, name)))
        .filter((record) => record !== undefined);
    },
  };
}
