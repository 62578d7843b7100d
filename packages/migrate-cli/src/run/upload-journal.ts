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
import type { UploadState } from "@parquetry/storage/backend";

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
      const record: unknown = JSON.parse(readFileSync(path, "utf8"));
      if (isUploadRecord(record)) return record;
    } catch {
      // None there, or cut off.
    }
    // Of another version too: the upload is begun anew.
    return undefined;
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

function isUploadRecord(value: unknown): value is UploadRecord {
  return (
    isObject(value) &&
    areAll("string", value["url"], value["key"], value["etag"]) &&
    areAll("number", value["begunAt"]) &&
    (value["state"] === undefined || isUploadState(value["state"]))
  );
}

function isUploadState(value: unknown): value is UploadState {
  return (
    isObject(value) &&
    areAll("string", value["key"], value["uploadId"], value["writeId"]) &&
    areAll("number", value["sizeBytes"], value["partSizeBytes"], value["asked"] ?? 0) &&
    Array.isArray(value["parts"]) &&
    value["parts"].every(isUploadedPart)
  );
}

function isUploadedPart(value: unknown): value is UploadState["parts"][number] {
  return (
    isObject(value) && areAll("number", value["number"]) && areAll("string", value["etag"], value["md5"])
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function areAll(type: "number" | "string", ...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === type);
}
