import {
  checkOptions,
  invalid,
  isStorageError,
  type OptionKinds,
  type StorageBackend,
  type StorageError,
} from "@parquetry/core/backend";
import { HiddenKeys } from "../listing/hidden-keys.ts";
import { checkEnds } from "../plan/check-ends.ts";
import type { FileFailure, MigrationPlan, PlannedFile } from "../plan/migration-plan.ts";
import { PLAN_OPTIONS, type PlanOptions, type PlanProgress, planMigration } from "../plan/plan-migration.ts";
import { createTallyTable } from "../plan/tally.ts";
import { compileSelection } from "../select/selection.ts";
import { createSpool } from "../spool/spool.ts";
import {
  type ConcurrencyControl,
  createAdaptiveConcurrency,
  fixedConcurrency,
} from "./adaptive-concurrency.ts";
import { createBandwidthLimiter } from "./bandwidth-limiter.ts";
import { createByteBudget } from "./byte-budget.ts";
import { copyFile } from "./copy-file.ts";
import { forEachConcurrent } from "./for-each-concurrent.ts";
import type { CopyKind, MigrationResult, SlowFile } from "./migration-result.ts";
import { isSentWhole } from "./send-file.ts";
import { abortLostUploads, abortStaleUploads } from "./unfinished-uploads.ts";
import type { UploadJournal, UploadRecord } from "./upload-journal.ts";

/** After how many failed files a migration stops by default. */
export const DEFAULT_MAX_ERRORS = 100;

/** So many failures of one kind before the first success mean that no file will succeed. */
const HOPELESS_AFTER = 10;

const SLOWEST = 10;

/** The most memory that files under way may take together, about, in bytes. */
const MEMORY_BYTES = 32 * 1024 * 1024;

/** What one file may take of it at most: a large one must not hold up the small ones. */
const MOST_OF_IT = MEMORY_BYTES * 0.75;

/** How many parts of a large object a backend may hold at once. */
const PARTS_IN_MEMORY = 5;

/** A part is there as the chunks that were read, and for a while also joined. */
const PART_COPIES = 1.5;

/** How much of a stream is in memory, about, in bytes. */
const STREAM_BYTES = 1024 * 1024;

/** What happens during a migration. `bytes` may be negative: a file is read again. */
export type MigrationProgress =
  | PlanProgress
  | { readonly type: "planned"; readonly plan: MigrationPlan }
  | { readonly type: "bytes"; readonly bytes: number }
  | { readonly type: "copied"; readonly key: string; readonly sizeBytes: number; readonly durationMs: number }
  | { readonly type: "retry"; readonly key: string; readonly message: string }
  /** An upload of an earlier run goes on, with so many parts there already; or it was ended, for its file needs none. */
  | { readonly type: "resumed"; readonly key: string; readonly parts: number }
  | { readonly type: "ended"; readonly key: string }
  | ({ readonly type: "failed" } & FileFailure);

/** Options of {@link runMigration}. */
export interface MigrationOptions extends Omit<PlanOptions, "onProgress"> {
  /** A plan made before, for the same two backends. Default: one is made now. The result closes it. */
  readonly plan?: MigrationPlan | undefined;
  /** How many files are copied at once: a number, or what adapts it. Default: {@link createAdaptiveConcurrency}. */
  readonly concurrency?: number | ConcurrencyControl | undefined;
  /** The most bytes per second read for copying. Default: no limit. */
  readonly bytesPerSecond?: number | undefined;
  /** Stops once so many files have failed. Default {@link DEFAULT_MAX_ERRORS}. */
  readonly maxErrors?: number | undefined;
  /**
   * Remembers uploads in parts beyond this run, so that a large file which was cut off goes on at its missing parts, and
   * uploads that no file needs any more are ended. Default: nowhere; an upload that fails is ended at once.
   */
  readonly uploads?: UploadJournal | undefined;
  /** Ends gently: no further file is begun, those under way are finished. `signal` stops at once. */
  readonly stopSignal?: AbortSignal | undefined;
  /** Told what happens. */
  readonly onProgress?: ((event: MigrationProgress) => void) | undefined;
}

const MIGRATION_OPTIONS: OptionKinds<MigrationOptions> = {
  ...PLAN_OPTIONS,
  plan: true,
  concurrency: true,
  bytesPerSecond: "number",
  maxErrors: "number",
  uploads: true,
  stopSignal: "signal",
};

/**
 * Copies what the target lacks, byte by byte, and checks that each file arrived. Nothing is deleted anywhere; at the
 * target nothing is replaced but with `force`, and then only the very version the plan saw. Running it again copies only
 * what is still missing. A file that fails is named in the result; the others go on.
 *
 * @throws StorageError where planning fails; `aborted` where `signal` fires; `invalid_argument` for what is no backend, two
 * ends that are one place, a bad option, and a plan of other ends.
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
  const concurrency = toConcurrency(options.concurrency);
  const maxErrors = positive("maxErrors", options.maxErrors ?? DEFAULT_MAX_ERRORS);
  const limiter =
    options.bytesPerSecond === undefined
      ? undefined
      : createBandwidthLimiter(positive("bytesPerSecond", options.bytesPerSecond));
  checkPlan(options.plan, source, target);
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
  const memory = createByteBudget(MEMORY_BYTES);

  const begunTwice: UploadRecord[] = [];
  const uploads = options.uploads && tellingBegunTwice(options.uploads, (record) => begunTwice.push(record));

  const shouldStop = (): boolean =>
    stopSignal?.aborted === true || hopeless !== undefined || failures.length >= maxErrors;

  const copyOne = async ({ file, index }: NumberedFile): Promise<void> => {
    const { key } = file;
    const release = await memory.take(memoryOf(file.sizeBytes, target));
    // What only waited for its turn was not under way.
    if (shouldStop()) return release();
    const fileStartedAt = performance.now();
    try {
      const { sizeBytes, proof, isSourceProven } = await copyFile(file, {
        source,
        target,
        limiter,
        signal,
        hashCache,
        uploads,
        onResumed: (parts) => onProgress?.({ type: "resumed", key, parts }),
        onBytes: (bytes) => onProgress?.({ type: "bytes", bytes }),
        onRetry: ({ message }) => {
          retries++;
          onProgress?.({ type: "retry", key, message });
        },
      });
      const durationMs = performance.now() - fileStartedAt;
      done[index] = 1;
      concurrency.done(sizeBytes);
      table.add(key, file.replaces === undefined ? "created" : "replaced", sizeBytes);
      copied.files++;
      copied.bytes += sizeBytes;
      if (proof === "none" || !isSourceProven) unproven++;
      slowest = [...slowest, { key, sizeBytes, durationMs }]
        .sort((a, b) => b.durationMs - a.durationMs)
        .slice(0, SLOWEST);
      onProgress?.({ type: "copied", key, sizeBytes, durationMs });
    } catch (error) {
      if (!isStorageError(error) || error.code === "aborted") throw error;
      const { code, message } = error;
      if (isPushBack(error)) concurrency.pushBack();
      // Those under way fail as the others did: nobody needs to be told again, and they are pending.
      if (hopeless !== undefined) return;
      failures.push({ key, code, message });
      onProgress?.({ type: "failed", key, code, message });
      hopeless = findHopeless(error, failures, copied.files, plan.files.length);
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
    await forEachConcurrent(numbered(plan.files), () => concurrency.limit(), copyOne, shouldStop);
    // What is left behind costs little, and `doctor` tells of it: no reason to fail.
    if (uploads !== undefined)
      await abortLostUploads(target, uploads, begunTwice, signal).catch(unlessAborted);
  } catch (error) {
    failures.close();
    plan.close();
    throw error;
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

/** The same journal, which also tells of each upload that the store was asked for more than once. */
function tellingBegunTwice(journal: UploadJournal, onBegun: (record: UploadRecord) => void): UploadJournal {
  return {
    ...journal,
    set(record) {
      if ((record.state?.asked ?? 1) > 1 && record.state?.parts.length === 0) onBegun(record);
      journal.set(record);
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

/** About how much memory copying a file takes: it is sent in one piece, as a stream, or by some parts at once. */
function memoryOf(sizeBytes: number, target: StorageBackend): number {
  if (isSentWhole(sizeBytes, target)) return sizeBytes;
  const { maxSinglePutBytes, partSizeBytes } = target.capabilities;
  if (sizeBytes <= maxSinglePutBytes) return STREAM_BYTES;
  return Math.min(PART_COPIES * sizeBytes, PARTS_IN_MEMORY * partSizeBytes, MOST_OF_IT);
}

/** The failure that every further file will share: bad credentials at once, a forbidden or full target after some. */
function findHopeless(
  error: StorageError,
  failures: { readonly length: number; first(count: number): readonly FileFailure[] },
  copiedFiles: number,
  plannedFiles: number,
): StorageError | undefined {
  if (error.code === "unauthenticated") return error;
  if (copiedFiles > 0 || failures.length < Math.min(HOPELESS_AFTER, plannedFiles)) return undefined;
  const shared = ["permission_denied", "unavailable", "timeout"].includes(error.code) && error.op === "put";
  return shared && failures.first(HOPELESS_AFTER).every(({ code }) => code === error.code)
    ? error
    : undefined;
}

/**
 * Whether an error says that a store has too much to do, or cannot be reached: fewer files at once are wanted.
 *
 * @example
 * ```ts
 * if (isPushBack(error)) control.pushBack();
 * ```
 */
export function isPushBack({ code, backend }: StorageError): boolean {
  return backend !== "local" && ["rate_limited", "unavailable", "timeout"].includes(code);
}

/** What planning takes of the options. */
function planOptions(options: MigrationOptions): PlanOptions {
  const { plan: _, concurrency, bytesPerSecond, maxErrors, uploads, stopSignal, ...rest } = options;
  return rest;
}

function toConcurrency(concurrency: MigrationOptions["concurrency"]): ConcurrencyControl {
  if (concurrency === undefined) return createAdaptiveConcurrency();
  if (typeof concurrency !== "object") return fixedConcurrency(positive("concurrency", concurrency));
  if (typeof concurrency?.limit === "function") return concurrency;
  throw invalid("runMigration", "concurrency is neither a number nor what createAdaptiveConcurrency() gives");
}

function checkPlan(plan: MigrationPlan | undefined, source: StorageBackend, target: StorageBackend): void {
  if (plan === undefined) return;
  const [from, to] = [source.url(), target.url()];
  if (plan?.files === undefined)
    throw invalid("runMigration", "plan is no plan, expected what planMigration(source, target) gives");
  if (plan.from !== from || plan.to !== to)
    throw invalid(
      "runMigration",
      `the plan leads from ${plan.from} to ${plan.to}, not from ${from} to ${to}; make one for these by planMigration(source, target)`,
    );
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 1) return value;
  throw invalid("runMigration", `${name} must be a number of at least 1, not ${value}`);
}
