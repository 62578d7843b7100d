import { join, resolve } from "node:path";
import type { StorageBackend, StorageError } from "@parquetry/core/backend";
import {
  type ConcurrencyControl,
  createAdaptiveConcurrency,
  fixedConcurrency,
} from "@parquetry/core/unstable";
import { type MigrationPlan, PLAN_KINDS } from "../plan/migration-plan.ts";
import { planMigration } from "../plan/plan-migration.ts";
import type { Side } from "../proof/decide.ts";
import { type HashCache, openHashCache } from "../proof/hash-cache.ts";
import { migrationParity } from "../report/migration-parity.ts";
import { type BandwidthLimit, limitBandwidth } from "../run/limit-bandwidth.ts";
import { isPushBack, runMigration } from "../run/run-migration.ts";
import { openUploadJournal } from "../run/upload-journal.ts";
import type { SelectionOptions } from "../select/selection.ts";
import { visibleName } from "../terminal/terminal.ts";
import { formatParity } from "../verify/folder-parity.ts";
import type { CommandContext } from "./command-context.ts";
import { describePlan, type PlanCost, planCost, planSummary, reportCost } from "./describe-plan.ts";
import {
  describeEarlier,
  describeUnproven,
  headlineOf,
  leftBehind,
  migrationExitCode,
} from "./migrate-outcome.ts";
import { tellNames, tellUnreadable } from "./name-lists.ts";
import { isCaseInsensitive, withBothEnds } from "./open-places.ts";
import { readPrices } from "./read-prices.ts";
import { checkReportFolder } from "./report-folder.ts";
import { requireSelection, type SelectedFiles, tellUnmatched } from "./require-selection.ts";
import { type PlaceFlags, type SelectionFlags, selectionOf } from "./selection-flags.ts";
import { type ProgressDisplay, showProgress } from "./show-progress.ts";
import { type EarlierRuns, earlierRuns } from "./status/earlier-runs.ts";
import { statusFolder } from "./status/read-statuses.ts";
import { type RecordedStatus, recordStatus } from "./status/record-status.ts";

/** Flags of `parquetry migrate` and `parquetry plan`. */
export type MigrateFlags = SelectionFlags &
  PlaceFlags & {
    readonly dryRun?: boolean;
    readonly force?: boolean;
    readonly concurrency?: number;
    readonly bandwidth?: number;
    readonly maxErrors?: number;
    readonly report?: string;
    readonly prices?: string;
    readonly allowUnverified?: boolean;
  };

/** `parquetry plan`: `parquetry migrate --dry-run`. */
export async function planCommand(context: CommandContext, flags: MigrateFlags): Promise<number> {
  return await migrateCommand(context, { ...flags, dryRun: true });
}

/** `parquetry migrate`: plans, prints the plan, and without `--dry-run` executes it. */
export async function migrateCommand(context: CommandContext, flags: MigrateFlags): Promise<number> {
  const { interrupt } = context;
  const selection = selectionOf(flags);
  const prices = await readPrices(context, flags.prices);
  using progress = showProgress(context);
  const concurrency =
    flags.concurrency === undefined ? createAdaptiveConcurrency() : fixedConcurrency(flags.concurrency);
  const place = { ...context, onRetry: tellRetry(progress, concurrency) };
  // Awaited here: what is on display ends with this function.
  return await withBothEnds(place, flags, async (source, target) => {
    await checkReportFolder(context, flags, [source, target]);
    if (flags.dryRun === true)
      return await migrate({ take: progress.take, end: () => {} }, undefined, source, target);
    const ends = {
      command: "migrate",
      from: source.url(),
      to: target.url(),
      selection: JSON.stringify(selection),
    } as const;
    const earlier = await earlierRuns(statusFolder(context.cacheFolder), ends);
    return await recordStatus(context, progress, ends, (status) => migrate(status, earlier, source, target));
  });

  async function migrate(
    status: RecordedStatus,
    earlier: EarlierRuns | undefined,
    source: StorageBackend,
    target: StorageBackend,
  ): Promise<number> {
    const hashCache = openHashCache(join(context.cacheFolder, "file-md5"), context.warn);
    let plan: MigrationPlan | undefined;
    // The listing and what is read to compare count as well.
    using bandwidth = limitBandwidth(source, target, flags.bandwidth);
    try {
      plan = await planMigration(source, target, {
        ...selection,
        force: flags.force,
        caseInsensitive: isCaseInsensitive(target),
        hashCache,
        signal: interrupt.abort,
        onProgress: status.take,
      });
      tellUnmatched(context, plan);
      const { source: atSource, target: atTarget } = selectedFiles(plan);
      if (plan.unusableNames + plan.unreadable.length === 0) requireSelection(flags, atSource, atTarget);
      const cost = planCost(plan, { source, target }, prices);
      const { print, width, columns } = context.terminal;
      const [show, limit] = flags.dryRun === true ? [print, width] : [context.note, columns];
      if (!context.json) for (const line of describePlan(plan, cost, limit)) show(line);
      // A dry run has the flags of a plan.
      await tellPlanned(flags.dryRun === true ? { ...context, command: "plan" } : context, plan);
      if (flags.dryRun === true) return finishPlan(context, plan, cost, flags);
      context.emit("plan", planSummary(plan, cost));
      return await runPlan(context, flags, {
        source,
        target,
        selection,
        plan,
        cost,
        hashCache,
        progress,
        status,
        earlier,
        concurrency,
        bandwidth,
      });
    } finally {
      plan?.close();
      hashCache.close();
    }
  }
}

/** How many files of the source the plan is about, and how many more of the target. */
function selectedFiles({ from, to, total }: MigrationPlan): Record<Side, SelectedFiles> {
  const ofSource = PLAN_KINDS.filter((kind) => !["leftOut", "extra", "unreadable", "unseen"].includes(kind));
  return {
    source: { url: from, files: ofSource.reduce((sum, kind) => sum + total[kind].files, 0) },
    target: { url: to, files: total.extra.files },
  };
}

function tellRetry(
  progress: ProgressDisplay,
  concurrency: ConcurrencyControl,
): (error: StorageError) => void {
  return (error) => {
    if (isPushBack(error)) concurrency.pushBack();
    progress.takeRetry(error);
  };
}

/** Names what the plan leaves alone, the first of each kind; a report has them all. */
async function tellPlanned(context: CommandContext, plan: MigrationPlan): Promise<void> {
  await tellUnreadable(context, plan.unreadable);
  await tellNames(context, "refused", plan.failures, ({ key, message }) => `${key}: ${message}`);
  await tellNames(context, "differs, left alone (--force overwrites)", plan.differing, (key) => key);
  await tellNames(context, "unverifiable", plan.unverifiable, (key) => key);
  await tellNames(context, "not copied", plan.skippedEntries, ({ path, detail }) => `${path}: ${detail}`);
}

function finishPlan(
  context: CommandContext,
  plan: MigrationPlan,
  cost: PlanCost,
  flags: MigrateFlags,
): number {
  const exitCode = leftBehind(plan, flags) > 0 ? 1 : 0;
  context.emit("summary", { exitCode, dryRun: true, ...planSummary(plan, cost) });
  if (!context.json) context.note("\nNothing was written: this is only the plan.");
  return exitCode;
}

interface Prepared {
  readonly source: StorageBackend;
  readonly target: StorageBackend;
  readonly selection: SelectionOptions;
  readonly plan: MigrationPlan;
  readonly cost: PlanCost;
  readonly hashCache: HashCache;
  readonly progress: ProgressDisplay;
  readonly status: RecordedStatus;
  readonly earlier: EarlierRuns | undefined;
  readonly concurrency: ConcurrencyControl;
  readonly bandwidth: BandwidthLimit;
}

async function runPlan(context: CommandContext, flags: MigrateFlags, prepared: Prepared): Promise<number> {
  const { interrupt, terminal, json } = context;
  const { source, target, selection, plan, cost, hashCache, concurrency, bandwidth } = prepared;
  const { progress, status, earlier } = prepared;
  interrupt.allowGentleStop();
  const result = await runMigration(source, target, {
    ...selection,
    plan,
    hashCache,
    uploads: openUploadJournal(join(context.cacheFolder, "uploads"), context.warn),
    concurrency,
    // A network is limited already.
    bytesPerSecond: bandwidth.limiter === undefined ? undefined : flags.bandwidth,
    maxErrors: flags.maxErrors,
    signal: interrupt.abort,
    stopSignal: interrupt.stop,
    onProgress: status.take,
  });
  try {
    progress[Symbol.dispose]();
    const exitCode = migrationExitCode(result, flags);
    const parity = migrationParity(result);
    const headline = headlineOf(result, exitCode);
    status.end({ exitCode, headline, parity });
    const summary = {
      exitCode,
      dryRun: false,
      ...planSummary(plan, cost),
      copied: result.copied,
      failed: result.failures.length,
      retries: progress.retries(),
      unproven: result.unproven,
      durationMs: Math.round(result.durationMs),
      ...(earlier === undefined ? {} : { earlier }),
      ...(result.stopped === undefined ? {} : { stopped: result.stopped }),
      parity,
    };
    if (flags.report !== undefined) {
      const { writeReport } = await import("../report/write-report.ts");
      const { reportOf } = await import("./migrate-report.ts");
      await writeReport(
        resolve(context.cwd, flags.report),
        await reportOf(result, {
          headline,
          exitCode,
          summary,
          retries: progress.retries(),
          cost: reportCost(cost),
          earlier,
        }),
      );
      context.note(`\nReport: ${resolve(context.cwd, flags.report, "report.html")}`);
    }
    context.emit("summary", summary);
    if (!json) {
      context.note("");
      for (const folder of parity) terminal.print(visibleName(formatParity(folder)));
      terminal.printText(terminal.style(exitCode === 0 ? "green" : "red", headline));
      if (earlier !== undefined) terminal.printText(describeEarlier(earlier));
      if (result.unproven > 0) context.note(describeUnproven(result.unproven));
      if (result.hopeless !== undefined)
        terminal.tell(`${terminal.mark("red", "error:")} ${result.hopeless.message}`);
    }
    return exitCode;
  } finally {
    result.close();
  }
}
