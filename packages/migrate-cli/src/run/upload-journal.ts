import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { UploadState } from "parquetry/backend";
import { z } from "zod";

/** An upload in parts that this machine began and has not seen the end of. */
export interface UploadRecord {
  /** Where it goes, for people; it names the record. */
  readonly url: string;
  /** The key at the target. */
  readonly key: string;
  /** The version of the source's file. */
  readonly etag: string;
  /** When it began, in milliseconds since 1970. */
  readonly begunAt: number;
  /** How far it is; absent where nobody knows whether the store began it. */
  readonly state?: UploadState | undefined;
}

/** Remembers uploads in parts beyond the end of a process, so that they go on or are ended, and never stay behind. */
export interface UploadJournal {
  /** The upload to an address, or undefined. */
  get(url: string): UploadRecord | undefined;
  /** Remembers how far one is, durably. */
  set(record: UploadRecord): void;
  /** Forgets one: it has become an object, or was ended. */
  delete(url: string): void;
  /** Every upload that is remembered. */
  records(): readonly UploadRecord[];
}

const PART = z.object({ number: z.number(), etag: z.string(), md5: z.string() });
const STATE: z.ZodType<UploadState> = z.object({
  key: z.string(),
  uploadId: z.string(),
  writeId: z.string(),
  sizeBytes: z.number(),
  partSizeBytes: z.number(),
  asked: z.number().optional(),
  parts: z.array(PART),
});
const RECORD: z.ZodType<UploadRecord> = z.object({
  url: z.string(),
  key: z.string(),
  etag: z.string(),
  begunAt: z.number(),
  state: STATE.optional(),
});

/**
 * Opens a journal in a folder: a file for each upload, replaced as a whole, so that a crash leaves the last state or the
 * one before. A folder that cannot be used is as good as an empty journal: `onProblem` is told, and everything still works.
 *
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
  const pathOf = (url: string): string =>
    join(folder, `${createHash("sha256").update(url).digest("hex").slice(0, 32)}.json`);
  const read = (path: string): UploadRecord | undefined => {
    try {
      return RECORD.parse(JSON.parse(readFileSync(path, "utf8")));
    } catch {
      // None there, or not of this version: the upload is begun anew.
      return undefined;
    }
  };
  return {
    get: (url) => read(pathOf(url)),
    set(record) {
      try {
        mkdirSync(folder, { recursive: true });
        const path = pathOf(record.url);
        const temporary = `${path}.tmp`;
        const file = openSync(temporary, "w", 0o600);
        try {
          writeFileSync(file, JSON.stringify(record));
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
        renameSync(temporary, path);
      } catch (error) {
        onProblem(`the journal of uploads ${folder} cannot be written: ${String(error)}`);
      }
    },
    delete(url) {
      for (const path of [pathOf(url), `${pathOf(url)}.tmp`]) rmSync(path, { force: true });
    },
    records() {
      let names: string[];
      try {
        names = readdirSync(folder);
      } catch {
        return [];
      }
      return names
        .filter((name) => name.endsWith(".json"))
        .map((name) => read(join(folder, name)))
        .filter((record) => record !== undefined);
    },
  };
}
