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
import type { UploadState } from "@parquetry/core/backend";
import { type CustomKind, checkOptions } from "@parquetry/core/unstable";

/** An upload in parts that this machine has started and not finished. */
export interface UploadRecord {
  /** The URL of the object, which identifies the record. */
  readonly url: string;
  /** The key at the target. */
  readonly key: string;
  /** The version of the source's file. */
  readonly etag: string;
  /** When it was started, in milliseconds since 1970. */
  readonly begunAt: number;
  /** The parts that have arrived; absent if it is unknown whether the store has started the upload. */
  readonly state?: UploadState | undefined;
}

/** Records uploads in parts beyond the end of a process, so that a later one resumes or aborts them. */
export interface UploadJournal {
  /** Returns the upload to a URL, or undefined. */
  get(url: string): UploadRecord | undefined;
  /** Records the state of an upload durably. */
  set(record: UploadRecord): void;
  /** Removes an upload that has become an object or was aborted. */
  delete(url: string): void;
  /** Returns all recorded uploads. */
  records(): readonly UploadRecord[];
}

/** The kind of an option that takes an {@link UploadJournal}. */
export const UPLOAD_JOURNAL_KIND: CustomKind = {
  expected: "an UploadJournal, as openUploadJournal(folder) returns",
  is: (value) => typeof value === "object" && value !== null && "get" in value && "records" in value,
};

/**
 * Opens a journal in a folder. Each upload is a file that is replaced as a whole, so that a crash leaves the last state or
 * the one before it. If the folder cannot be written, `onProblem` is called with the reason, and nothing is recorded.
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
  const pathOf = (url: string): string =>
    join(folder, `${createHash("sha256").update(url).digest("hex").slice(0, 32)}.json`);
  const read = (path: string): UploadRecord | undefined => {
    try {
      const record: unknown = JSON.parse(readFileSync(path, "utf8"));
      if (isUploadRecord(record)) return record;
    } catch {
      // It does not exist, or is incomplete.
    }
    // Also for a record of another version: the upload is started again.
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
