import { isStorageError, StorageError } from "@parquetry/core";
import type { ScanFile } from "../files/scan-file.ts";
import { isInternal, isSuspect, problemError, thrownProblem } from "./duckdb-error.ts";

/** What DuckDB was doing when it failed. */
export interface FailedRead {
  /** The SQL that was run. */
  readonly sql?: string | undefined;
  /** The files that it read. */
  readonly files: readonly ScanFile[];
  /** True where only footers were read: then a file that DuckDB cannot make sense of is corrupt. */
  readonly isFooters?: boolean;
  /** Turns DuckDB's paths in a message into paths of the files. */
  readonly readable: (message: string) => string;
  /** Whether reading some of the files fails, too. */
  readonly fails: (files: readonly ScanFile[]) => Promise<boolean>;
  /** What DuckDB lacks to read a file that may be good, such as a codec. */
  readonly lacks: (file: ScanFile) => Promise<string | undefined>;
}

/** The error of a query over files. It names a broken file by its key, also where DuckDB does not say which one it is. */
export async function failureOfFiles(error: unknown, read: FailedRead): Promise<StorageError> {
  if (isStorageError(error)) return error;
  const { files, isFooters = false, readable } = read;
  const raw = thrownProblem(error, read.sql);
  const quoted = new Set([...raw.quoted].map(readable));
  const named = files.find(({ path, footerPath = path }) => quoted.has(path) || quoted.has(footerPath));
  const code = isFooters && raw.code === "invalid_argument" ? "corrupt" : raw.code;
  let message = readable(raw.message);
  for (const { path, footerPath = path, key } of files)
    message = message.replaceAll(path, key).replaceAll(footerPath, key);
  const problem = { ...raw, code, message };
  if (named === undefined && code !== "corrupt" && !isInternal(raw) && !isSuspect(raw))
    return problemError(problem);
  const broken = named ?? (await findBrokenFile(files, read.fails));
  if (broken === undefined)
    return problemError(isInternal(raw) ? { ...problem, code: "not_supported" } : problem);
  const lacking = await read.lacks(broken);
  if (lacking !== undefined) return unsupported(broken, lacking, raw.type);
  if (named !== undefined) return problemError(problem, { path: named.key });
  const isReadable = code === "not_supported";
  const remedy = isReadable
    ? "leave its partition out"
    : "restore it from its source, or leave its partition out";
  return problemError(
    { ...problem, code: isReadable ? code : "corrupt" },
    { path: broken.key, hint: `\nThe file is ${broken.key}: ${remedy}.` },
  );
}

function unsupported({ key }: ScanFile, lacking: string, storeCode: string): StorageError {
  return new StorageError({
    code: "not_supported",
    op: "sql",
    path: key,
    storeCode,
    retry: "never",
    message: `sql: ${key} ${lacking} The file may be undamaged.`,
  });
}

/** Finds a file that cannot be read: by reading one half of the files, then the half of the half that fails. */
async function findBrokenFile(
  files: readonly ScanFile[],
  fails: FailedRead["fails"],
): Promise<ScanFile | undefined> {
  let suspects = files;
  if (suspects.length === 0 || !(await fails(suspects))) return undefined;
  while (suspects.length > 1) {
    const half = suspects.slice(0, Math.ceil(suspects.length / 2));
    suspects = (await fails(half)) ? half : suspects.slice(half.length);
  }
  return suspects[0];
}
