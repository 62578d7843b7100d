/** One top-level folder of a {@link RunStatus}; `.` is for the files of the root. */
export interface RunFolder {
  readonly folder: string;
  /** Files that are done, and their size in bytes. */
  readonly files: number;
  readonly bytes: number;
  /** All files to do, and their size in bytes; absent as long as they are not known. */
  readonly filesTotal?: number | undefined;
  readonly bytesTotal?: number | undefined;
  /** Files that failed. */
  readonly failed: number;
}

/** How the two sides of one top-level folder compare after a run. */
export interface RunParity {
  readonly folder: string;
  /** Files at the source, and at the target. */
  readonly source: number;
  readonly target: number;
  /** Files that only the source has, and that only the target has. */
  readonly missing: number;
  readonly extra: number;
  /** Files whose content differs, and files of which nothing proves whether it does. */
  readonly differing: number;
  readonly unverifiable: number;
}

/**
 * The state of a `parquetry migrate` or `parquetry verify`. Those commands keep it as JSON in a file of Parquetry's cache folder,
 * `runs/`, while they run, and leave it there when they end. It contains names and numbers, and no secret.
 */
export interface RunStatus {
  /** The version of this shape: 1. */
  readonly version: 1;
  /** Identifies the run: the name of its file. */
  readonly id: string;
  readonly command: "migrate" | "verify";
  /** The URLs of the two places. */
  readonly from: string;
  readonly to: string;
  /** The options of a migration that select the files, as one string. */
  readonly selection?: string | undefined;
  /** `done` with an `outcome`; `failed` with a `problem`; `killed` where the process ended without leaving either. */
  readonly state: "running" | "done" | "failed" | "killed";
  /** When it began, and when this was written, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly phase: "listing" | "reading" | "copying" | "finishing";
  /** Files listed, read or copied, by phase; and bytes read or copied. */
  readonly files: number;
  readonly bytes: number;
  /** How many there are; absent as long as that is not known. */
  readonly filesTotal?: number | undefined;
  readonly bytesTotal?: number | undefined;
  /** The rates over the last seconds. */
  readonly filesPerSecond: number;
  readonly bytesPerSecond: number;
  /** The estimated time left, in milliseconds, if known. */
  readonly etaMs?: number | undefined;
  readonly retries: number;
  /** How many files failed, and the first hundred of them. */
  readonly failed: number;
  readonly failures: readonly { readonly key: string; readonly code: string; readonly message: string }[];
  readonly folders: readonly RunFolder[];
  /** Its end: the exit code, one sentence, and how the folders compare. */
  readonly outcome?:
    | { readonly exitCode: number; readonly headline: string; readonly parity: readonly RunParity[] }
    | undefined;
  /** Why it failed. */
  readonly problem?: string | undefined;
}
