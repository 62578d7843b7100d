import { abilitiesOf, isStorageError, type StorageBackend, StorageError } from "@parquetry/core/backend";
import {
  CONCURRENCY_CONTROL_KIND,
  type ConcurrencyControl,
  checkOptions,
  createAdaptiveConcurrency,
  createByteBudget,
  either,
  fixedConcurrency,
  forEachConcurrent,
  invalid,
  type OptionKinds,
  onAbort,
  traced,
} from "@parquetry/core/unstable";
import { checkEnds } from "../plan/check-ends.ts";
import { HiddenKeys } from "../plan/list-ends.ts";
import { type FileFailure, type MigrationPlan, PLAN_KIND, type PlannedFile } from "../plan/migration-plan.ts";
import { PLAN_OPTIONS, type PlanOptions, type PlanProgress, planMigration } from "../plan/plan-migration.ts";
import { createTallyTable } from "../plan/tally.ts";
import { compileSelection } from "../select/selection.ts";
import { createSpool } from "../spool/spool.ts";
import { copyFile } from "./copy-file.ts";
import { createFailureRule } from "./failure-rule.ts";
import { limitBandwidth } from "./limit-bandwidth.ts";
import type { CopyKind, MigrationResult, SlowFile } from "./migration-result.ts";
import type { UploadRecord } from "./read-upload-record.ts";
import { isSentWhole } from "./sent-whole.ts";
import { createUnderWay, type Unfinished } from "./under-way.ts";
import { abortLostUploads, abortStaleUploads } from "./unfinished-uploads.ts";
import { UPLOAD_JOURNAL_KIND, type UploadJournal } from "./upload-journal.ts";

/** The number of failed files after which a migration stops, by default. */
const DEFAULT_MAX_ERRORS = 100;

/** More files than this are not copied concurrently, whatever is asked for: each takes memory while it waits. */
const MAX_CONCURRENT_FILES = 10_000;

/** How many of the slowest files a result names. */
const SLOWEST = 10;

/** About how much memory the files being copied may take together, in bytes, if the source does not set a limit itself. */
const MEMORY_BYTES = 32 * 1024 * 1024;

/** The share of the memory that one file may take: a large file must not hold up the small ones. */
const MAX_FILE_SHARE = 0.75;

/** The same if its parts are read on a thread, whose memory they wait for: two files overlap, so that the end of one costs no time. */
const MAX_SHARE_ON_THREAD = 0.375;

/** How many parts of a large object a backend may hold at the same time. */
const PARTS_IN_MEMORY = 5;

/** A part is in memory as the chunks that were read, and for a while also joined. */
const PART_COPIES = 1.5;

/** About how much of a stream is in memory, in bytes. */
const STREAM_BYTES = 1024 * 1024;

/** About how much of a file is in memory whose ranges are received concurrently, in bytes. */
const RECEIVED_BYTES = 4 * 1024 * 1024;

/** An event of a migration. The bytes of `bytes` are negative when a file has to be read again. */
export type MigrationProgress =
  | PlanProgress
  | { readonly type: "planned"; readonly plan: MigrationPlan }
  | { readonly type: "bytes"; readonly bytes: number }
  | { readonly type: "copied"; readonly key: string; readonly sizeBytes: number; readonly durationMs: number }
  | { readonly type: "retry"; readonly key: string; readonly message: string }
  /** An upload of an earlier run is resumed, with this number of parts at the store; or was aborted, since no file needs it. */
  | { readonly type: "resumed"; readonly key: string; readonly parts: number }
  | { readonly type: "ended"; readonly key: string }
  /** `stopSignal` has fired: what is under way is finished. Repeated whenever some of it has ended. */
  | ({ readonly type: "finishing" } & Unfinished)
  | ({ readonly type: "failed" } & FileFailure);

/** Options of {@link runMigration}. */
export interface MigrationOptions extends Omit<PlanOptions, "onProgress"> {
  /** A plan for the same two backends. Closing the result closes it. Default: a new plan. */
  readonly plan?: MigrationPlan | undefined;
  /** How many files are copied concurrently: a number, or a control that adapts it. Default: it adapts to the throughput. */
  readonly concurrency?: number | ConcurrencyControl | undefined;
  /**
   * Limits the bytes per second that each side sends and receives over its network, headers and retries included: uploads to
   * this rate, and downloads to this rate. Between directories, what is written. Default: no limit.
   */
  readonly bytesPerSecond?: number | undefined;
  /** Stops after exactly this number of failed files; others that are under way then are pending. Default {@link DEFAULT_MAX_ERRORS}. */
  readonly maxErrors?: number | undefined;
  /**
   * Records uploads in parts across runs: an interrupted one is resumed at its missing parts, and one that no file needs any
   * more is aborted. Default: not recorded; an upload that fails is aborted immediately.
   */
  readonly uploads?: UploadJournal | undefined;
  /**
   * Stops without starting other files: parts of uploads that `uploads` records are finished, to be resumed by the next run, and
   * so are files of at most 8 MiB, or of which no more is left. Other large files are given up at once, and the next run
   * copies them again. `signal` stops immediately.
   */
  readonly stopSignal?: AbortSignal | undefined;
  /** Called for each event. */
  readonly onProgress?: ((event: MigrationProgress) => void) | undefined;
}

/** The kinds of {@link MigrationOptions}. */
export const MIGRATION_OPTIONS: OptionKinds<MigrationOptions> = {
  ...PLAN_OPTIONS,
  plan: PLAN_KIND,
  concurrency: either("count", CONCURRENCY_CONTROL_KIND),
  bytesPerSecond: "positive",
  maxErrors: "count",
  uploads: UPLOAD_JOURNAL_KIND,
  stopSignal: "signal",
};

/**
 * Copies the files that the target lacks, byte for byte, and checks that each of them arrived. Nothing is deleted anywhere.
 * At the target, a file is replaced only with `force`, and only the version that the plan saw. Running it again copies only
 * the files that are still missing. A file that fails is named in the result and does not stop the others.
 *
 * @throws StorageError if planning fails; `aborted` if `signal` fires; `invalid_argument` for an argument that is not a
 * backend, a source and a target that are the same place, an invalid option, and a plan of other backends.
 * @example
 * ```ts
 * const result = await runMigration(disk, bucket);
 * console.log(result.copied.files, "copied,", result.failures.length, "failed");
 * result.close();
 * ```
 */
export async function runMigration(
  source: StorageBackend,
  target: StorageBackend,
  options: MigrationOptions = {},
): Promise<MigrationResult> {
  checkOptions(options, MIGRATION_OPTIONS, "runMigration");
  await checkEnds(source, target, "runMigration");
  const { signal, stopSignal, onProgress, hashCache } = options;
  const { maxErrors = DEFAULT_MAX_ERRORS, bytesPerSecond } = options;
  const concurrency =
    typeof options.concurrency === "number"
      ? fixedConcurrency(Math.min(options.concurrency, MAX_CONCURRENT_FILES))
      : (options.concurrency ?? createAdaptiveConcurrency());
  checkPlan(options.plan, source, target);
  using bandwidth = limitBandwidth(source, target, bytesPerSecond);
  const { limiter } = bandwidth;
  const plan = options.plan ?? (await planMigration(source, target, planOptions(options)));
  onProgress?.({ type: "planned", plan });

  const startedAt = performance.now();
  const failures = createSpool<FileFailure>();
  const copied = { files: 0, bytes: 0 };
  let retries = 0;
  let unproven = 0;
  let hopeless: StorageError | undefined;
  let slowest: readonly SlowFile[] = [];

  const table = createTallyTable<CopyKind>(["created", "replaced"]);
  const done = new Uint8Array(plan.files.length);
  const memoryBytes = abilitiesOf(source).hashedReads?.maxOutstandingBytes ?? MEMORY_BYTES;
  const memory = createByteBudget(memoryBytes);

  const begunTwice: UploadRecord[] = [];
  const uploads =
    options.uploads && reportingBegunTwice(options.uploads, (record) => begunTwice.push(record));

  const underWay = createUnderWay(() => {
    if (stopSignal?.aborted) onProgress?.({ type: "finishing", ...underWay.unfinished() });
  });
  const forgetStop =
    stopSignal && onAbort(stopSignal, () => onProgress?.({ type: "finishing", ...underWay.unfinished() }));

  const rule = createFailureRule(plan.files.length);
  /** Failures that are reported only if the first one turns out not to be that of every file. */
  let held: FileFailure[] = [];
  const report = (failure: FileFailure): void => {
    // Files that are under way when the last allowed one fails are pending.
    if (failures.length >= maxErrors) return;
    failures.push(failure);
    onProgress?.({ type: "failed", ...failure });
  };
  const reportHeld = (): void => {
    const all = held;
    held = [];
    for (const failure of all) report(failure);
  };

  const shouldStop = (): boolean =>
    stopSignal?.aborted === true || hopeless !== undefined || failures.length >= maxErrors;

  const copyOne = async ({ file, index }: NumberedFile): Promise<void> => {
    const { key } = file;
    const release = await memory.take(memoryOf(file.sizeBytes, source, target, memoryBytes));
    // A file that was waiting for memory has not been started.
    if (shouldStop()) return release();
    const fileStartedAt = performance.now();
    try {
      const { sizeBytes, proof, isSourceProven } = await traced(
        "parquetry:migrated-file",
        () => ({ key, sizeBytes: file.sizeBytes, source: source.url(key), target: target.url(key) }),
        () =>
          copyFile(file, {
            source,
            target,
            limiter,
            signal,
            stopSignal,
            underWay,
            hashCache,
            uploads,
            onResumed: (parts) => onProgress?.({ type: "resumed", key, parts }),
            onBytes: (bytes) => onProgress?.({ type: "bytes", bytes }),
            onRetry: ({ message }) => {
              retries++;
              onProgress?.({ type: "retry", key, message });
            },
          }),
      );
      const durationMs = performance.now() - fileStartedAt;
      done[index] = 1;
      concurrency.done(sizeBytes);
      rule.succeeded();
      reportHeld();
      table.add(key, file.replaces === undefined ? "created" : "replaced", sizeBytes);
      copied.files++;
      copied.bytes += sizeBytes;
      if (proof === "none" || !isSourceProven) unproven++;
      slowest = [...slowest, { key, sizeBytes, durationMs }]
        .sort((a, b) => b.durationMs - a.durationMs)
        .slice(0, SLOWEST);
      onProgress?.({ type: "copied", key, sizeBytes, durationMs });
    } catch (thrown) {
      if (!isStorageError(thrown)) throw thrown;
      const error = explainMissingFolder(thrown, target);
      if (error.code === "aborted") {
        // It is pending: the next run resumes it, or copies it again.
        if (stopSignal?.aborted && !signal?.aborted) return;
        throw error;
      }
      const { code, message } = error;
      if (isPushBack(error)) concurrency.pushBack();
      // Files that were being copied fail for the same reason; they are pending rather than reported again.
      if (hopeless !== undefined) return;
      const wasDoubtful = rule.isDoubtful();
      if (rule.failed(error)) hopeless = error;
      if (hopeless === undefined && wasDoubtful && rule.isDoubtful()) held.push({ key, code, message });
      else if (hopeless === undefined || !wasDoubtful) report({ key, code, message });
    } finally {
      release();
    }
  };

  try {
    const judgeKey = compileSelection(options).judge;
    const hidden = new HiddenKeys();
    for await (const { key } of plan.unreadable) hidden.add(key);
    await abortStaleUploads(target, plan, {
      journal: options.uploads,
      isSelected: (key) => judgeKey(key) === "selected" && !hidden.has(key),
      signal,
      onAborted: (key) => onProgress?.({ type: "ended", key }),
    });
    // Those in the folders that the plan listed, which an earlier run left when it was killed.
    await abilitiesOf(target).leftovers?.removeListed();
    // As long as no file may succeed, one at a time is enough to find out.
    const limit = (): number => (rule.isDoubtful() ? 1 : concurrency.limit());
    await forEachConcurrent(numbered(plan.files), limit, copyOne, shouldStop);
    if (hopeless === undefined) reportHeld();
    // Empty uploads cost little and `doctor` reports them, so a failure here does not fail the run.
    if (uploads !== undefined)
      await abortLostUploads(target, uploads, begunTwice, signal).catch(unlessAborted);
  } catch (error) {
    failures.close();
    plan.close();
    throw error;
  } finally {
    forgetStop?.();
  }

  const rest = plan.files.length - copied.files - failures.length;
  const { differs, unverifiable, refused, failed } = plan.total;
  const stopped = hopeless
    ? "hopeless"
    : rest === 0
      ? undefined
      : failures.length >= maxErrors
        ? "max_errors"
        : "interrupted";
  return {
    plan,
    copied,
    folders: table.folders(),
    async *pending() {
      for await (const { file, index } of numbered(plan.files)) if (done[index] === 0) yield file;
    },
    failures,
    retries,
    unproven,
    ...(stopped === undefined ? {} : { stopped }),
    ...(hopeless === undefined ? {} : { hopeless }),
    durationMs: performance.now() - startedAt,
    slowest,
    complete:
      rest === 0 &&
      failures.length + plan.unreadable.length + plan.unusableNames === 0 &&
      [differs, unverifiable, refused, failed].every(({ files }) => files === 0),
    close() {
      failures.close();
      plan.close();
    },
  };
}

/** Says which folder is missing: a directory reports only that a write found no place. */
function explainMissingFolder(error: StorageError, target: StorageBackend): StorageError {
  const { code, op, path, backend, storeCode } = error;
  if (code !== "not_found" || op !== "put" || storeCode !== "ENOENT") return error;
  const message = `put ${path}: the folder ${target.url()} is gone, or the file system below it. Create or mount it again, and run the same command.`;
  return new StorageError({ code, op, path, backend, storeCode, message, cause: error });
}

/** The same journal, which also reports each upload whose start was requested more than once. */
function reportingBegunTwice(journal: UploadJournal, onBegun: (record: UploadRecord) => void): UploadJournal {
  return {
    ...journal,
    set(record) {
      if ((record.state?.asked ?? 1) > 1 && record.state?.parts.length === 0) onBegun(record);
      return journal.set(record);
    },
  };
}

function unlessAborted(error: unknown): void {
  if (!isStorageError(error) || error.code === "aborted") throw error;
}

interface NumberedFile {
  readonly file: PlannedFile;
  readonly index: number;
}

async function* numbered(files: AsyncIterable<PlannedFile>): AsyncGenerator<NumberedFile> {
  let index = 0;
  for await (const file of files) yield { file, index: index++ };
}

/** About how much memory copying a file takes: it is sent in one piece, as a stream, or by several parts concurrently. */
function memoryOf(
  sizeBytes: number,
  source: StorageBackend,
  target: StorageBackend,
  memoryBytes: number,
): number {
  if (isSentWhole(sizeBytes, source, target)) return sizeBytes;
  const { maxSinglePutBytes, partSizeBytes } = target.capabilities;
  if (sizeBytes <= maxSinglePutBytes)
    return abilitiesOf(target).hashedWrites === undefined ? STREAM_BYTES : RECEIVED_BYTES;
  const share = abilitiesOf(source).hashedReads === undefined ? MAX_FILE_SHARE : MAX_SHARE_ON_THREAD;
  return Math.min(PART_COPIES * sizeBytes, PARTS_IN_MEMORY * partSizeBytes, share * memoryBytes);
}

/**
 * Whether an error means that a store is overloaded or cannot be reached, so that fewer files should be copied concurrently.
 */
export function isPushBack({ code, backend }: StorageError): boolean {
  return backend !== "local" && ["rate_limited", "unavailable", "timeout"].includes(code);
}

/** Returns the options that planning takes. */
function planOptions(options: MigrationOptions): PlanOptions {
  const { plan: _, concurrency, bytesPerSecond, maxErrors, uploads, stopSignal, ...rest } = options;
  return rest;
}

function checkPlan(plan: MigrationPlan | undefined, source: StorageBackend, target: StorageBackend): void {
  const [from, to] = [source.url(), target.url()];
  if (plan === undefined || (plan.from === from && plan.to === to)) return;
  throw invalid(
    "runMigration",
    `the plan leads from ${plan.from} to ${plan.to}, not from ${from} to ${to}; make one for these by planMigration(source, target)`,
  );
}
