import { resolve } from "node:path";
import type { StorageBackend, StorageError } from "@parquetry/core";
import { type MigrationPlan, PLAN_KINDS } from "../plan/migration-plan.ts";
import { planMigration } from "../plan/plan-migration.ts";
import { migrationParity } from "../report/migration-parity.ts";
import type { ReportCost, ReportModel } from "../report/report-model.ts";
import { writeReport } from "../report/write-report.ts";
import {
  type ConcurrencyControl,
  createAdaptiveConcurrency,
  fixedConcurrency,
} from "../run/adaptive-concurrency.ts";
import type { MigrationResult } from "../run/migration-result.ts";
import { isPushBack, runMigration } from "../run/run-migration.ts";
import { formatBytes, formatCount, formatDuration, formatFiles } from "../terminal/format-amount.ts";
import { wrapText } from "../terminal/wrap-text.ts";
import { formatParity } from "../verify/folder-parity.ts";
import type { CommandContext } from "./command-context.ts";
import { readPrices } from "./cost-command.ts";
import { describePlan, type PlanCost, planCost, planSummary, reportCost } from "./describe-plan.ts";
import { namesOf, tellNames } from "./name-lists.ts";
import { isCaseInsensitive, withBothEnds } from "./open-places.ts";
import { requireSelection } from "./require-selection.ts";
import { type PlaceFlags, type SelectionFlags, selectionOf } from "./selection-flags.ts";
import { type ProgressDisplay, showProgress } from "./show-progress.ts";

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

/** `parquetry migrate` and `parquetry plan`: plans, shows the plan, and without `--dry-run` does it. */
export async function migrateCommand(context: CommandContext, flags: MigrateFlags): Promise<number> {
  const { interrupt } = context;
  const selection = selectionOf(flags);
  const prices = await readPrices(context, flags.prices);
  using progress = showProgress(context);
  const concurrency =
    flags.concurrency === undefined ? createAdaptiveConcurrency() : fixedConcurrency(flags.concurrency);
  const place = { ...context, onRetry: tellRetry(progress, concurrency) };
  return withBothEnds(place, flags, async (source, target) => {
    const hashCache = context.openHashCache();
    let plan: MigrationPlan | undefined;
    try {
      plan = await planMigration(source, target, {
        ...selection,
        force: flags.force,
        caseInsensitive: isCaseInsensitive(target),
        hashCache,
        signal: interrupt.abort,
        onProgress: progress.take,
      });
      requireSelection(flags, plannedFiles(plan));
      const cost = planCost(plan, { source, target }, prices);
      const show = flags.dryRun === true ? context.terminal.print : context.note;
      if (!context.json) for (const line of describePlan(plan, cost, context.terminal.columns)) show(line);
      await tellPlanned(context, plan);
      if (flags.dryRun === true) return finishPlan(context, plan, cost, flags);
      context.emit("plan", planSummary(plan, cost));
      return await runPlan(context, flags, { source, target, plan, cost, hashCache, progress, concurrency });
    } finally {
      plan?.close();
      hashCache.close();
    }
  });
}

/** How many files of either side the plan is about. */
function plannedFiles({ total }: MigrationPlan): number {
  return PLAN_KINDS.filter((kind) => kind !== "leftOut").reduce((sum, kind) => sum + total[kind].files, 0);
}

/** What a store is asked again for counts like a file that is read again. */
function tellRetry(
  progress: ProgressDisplay,
  concurrency: ConcurrencyControl,
): (error: StorageError) => void {
  return (error) => {
    if (isPushBack(error)) concurrency.pushBack();
    progress.take({ type: "retry", key: error.path ?? "", message: error.message });
  };
}

/** Names what the plan leaves alone, the first of each kind; a report has them all. */
async function tellPlanned(context: CommandContext, plan: MigrationPlan): Promise<void> {
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

/** Files of the source that the target will not hold, proven, when the plan is done. */
function leftBehind(plan: MigrationPlan, flags: MigrateFlags): number {
  const { differs, refused, failed, unverifiable } = plan.total;
  return (
    differs.files +
    refused.files +
    failed.files +
    plan.unusableNames +
    (flags.allowUnverified === true ? 0 : unverifiable.files)
  );
}

interface Prepared {
  readonly source: StorageBackend;
  readonly target: StorageBackend;
  readonly plan: MigrationPlan;
  readonly cost: PlanCost;
  readonly hashCache: ReturnType<CommandContext["openHashCache"]>;
  readonly progress: ProgressDisplay;
  readonly concurrency: ConcurrencyControl;
}

async function runPlan(context: CommandContext, flags: MigrateFlags, prepared: Prepared): Promise<number> {
  const { interrupt, terminal, json } = context;
  const { source, target, plan, cost, hashCache, progress, concurrency } = prepared;
  interrupt.allowGentleStop(() =>
    terminal.tell("\nStopping: what is under way is finished first. Ctrl-C again stops at once."),
  );
  const result = await runMigration(source, target, {
    plan,
    hashCache,
    concurrency,
    bytesPerSecond: flags.bandwidth,
    maxErrors: flags.maxErrors,
    signal: interrupt.abort,
    stopSignal: interrupt.stop,
    onProgress: progress.take,
  });
  try {
    progress[Symbol.dispose]();
    const exitCode = exitCodeOf(result, flags);
    const parity = migrationParity(result);
    const headline = headlineOf(result, exitCode);
    const summary = {
      exitCode,
      dryRun: false,
      ...planSummary(plan, cost),
      copied: result.copied,
      failed: result.failures.length,
      retries: progress.retries(),
      unproven: result.unproven,
      durationMs: Math.round(result.durationMs),
      ...(result.stopped === undefined ? {} : { stopped: result.stopped }),
      parity,
    };
    if (flags.report !== undefined) {
      await writeReport(
        resolve(context.cwd, flags.report),
        reportOf(result, {
          headline,
          exitCode,
          summary,
          retries: progress.retries(),
          cost: reportCost(cost),
        }),
      );
      context.note(`\nReport: ${resolve(context.cwd, flags.report, "report.html")}`);
    }
    context.emit("summary", summary);
    if (!json) {
      context.note("");
      for (const folder of parity) terminal.print(formatParity(folder));
      for (const line of wrapText(headline, terminal.columns))
        terminal.print(terminal.style(exitCode === 0 ? "green" : "red", line));
      if (result.unproven > 0) context.note(describeUnproven(result.unproven));
      if (result.hopeless !== undefined)
        terminal.tell(`${terminal.mark("red", "error:")} ${result.hopeless.message}`);
    }
    return exitCode;
  } finally {
    result.close();
  }
}

function describeUnproven(count: number): string {
  return (
    `${formatFiles(count)} arrived in parts, and the store's listing says nothing about the content of such:\n` +
    "their hashes are noted on this machine; elsewhere, parquetry verify --level full reads them."
  );
}

function exitCodeOf(result: MigrationResult, flags: MigrateFlags): number {
  if (result.stopped === "interrupted") return 130;
  if (result.stopped === "hopeless" && result.copied.files === 0) return 2;
  return result.failures.length > 0 || result.stopped !== undefined || leftBehind(result.plan, flags) > 0
    ? 1
    : 0;
}

function headlineOf(result: MigrationResult, exitCode: number): string {
  const { copied, failures, durationMs, stopped, plan } = result;
  const rate = copied.bytes / Math.max(0.001, durationMs / 1000);
  const did =
    copied.files === 0
      ? "Nothing was copied"
      : `Copied ${formatFiles(copied.files)}, ${formatBytes(copied.bytes)} in ${formatDuration(durationMs)} (${formatBytes(rate)}/s)`;
  if (stopped === "interrupted")
    return `${did}. Interrupted: ${formatFiles(plan.files.length - copied.files)} to go; the same command goes on from here.`;
  if (stopped === "hopeless") return `${did}: every file fails in the same way.`;
  if (stopped === "max_errors")
    return `${did}. Stopped after ${formatCount(failures.length)} errors (--max-errors).`;
  if (exitCode === 0)
    return copied.files === 0 ? "Nothing to do: everything is there." : `${did}. Everything is there.`;
  const { differs, unverifiable, refused, failed } = plan.total;
  const problems = [
    [failures.length + failed.files, "failed"],
    [refused.files, "refused"],
    [differs.files, "differ"],
    [unverifiable.files, "unverifiable"],
    [plan.unusableNames, "without a usable name"],
  ] as const;
  const told = problems
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${formatCount(count)} ${what}`);
  return `${did}. Not complete: ${told.join(", ")}.`;
}

function reportOf(
  result: MigrationResult,
  outcome: {
    readonly headline: string;
    readonly exitCode: number;
    readonly summary: Record<string, unknown>;
    readonly retries: number;
    readonly cost: ReportCost | undefined;
  },
): ReportModel {
  const { plan, copied, durationMs, slowest, failures } = result;
  const { headline, exitCode, summary, retries, cost } = outcome;
  async function* missing(): AsyncGenerator<string> {
    for await (const { key, replaces } of result.pending()) if (replaces === undefined) yield key;
    for await (const { key, code } of plan.failures) if (code === "refused") yield key;
  }
  async function* differing(): AsyncGenerator<string> {
    yield* plan.differing;
    for await (const { key, replaces } of result.pending()) if (replaces !== undefined) yield key;
  }
  async function* failed(): AsyncGenerator<string> {
    for await (const { key, code, message } of plan.failures) yield `${key}\t${code}\t${message}`;
    for await (const { key, code, message } of failures) yield `${key}\t${code}\t${message}`;
  }
  async function* unverifiable(): AsyncGenerator<string> {
    yield* plan.unverifiable;
    for await (const { key, code } of plan.failures) if (code !== "refused") yield key;
  }
  const parity = migrationParity(result);
  const sum = (column: "missing" | "extra" | "differing" | "unverifiable"): number =>
    parity.reduce((total, folder) => total + folder[column], 0);
  return {
    command: "migrate",
    headline,
    ok: exitCode === 0,
    from: plan.from,
    to: plan.to,
    finishedAt: new Date(),
    folders: parity,
    figures: [
      { label: "copied", value: formatFiles(copied.files) },
      { label: "bytes", value: formatBytes(copied.bytes) },
      { label: "equal already", value: formatFiles(plan.total.skip.files) },
      { label: "time", value: formatDuration(durationMs) },
      { label: "retries", value: formatCount(retries) },
      { label: "failed", value: formatCount(failures.length + plan.failures.length) },
    ],
    lists: [
      { file: "missing.txt", title: "missing at the target", count: sum("missing"), lines: missing() },
      { file: "extra.txt", title: "only at the target, left alone", count: sum("extra"), lines: plan.extra },
      {
        file: "differing.txt",
        title: "with other content at the target",
        count: sum("differing"),
        lines: differing(),
      },
      {
        file: "unverifiable.txt",
        title: "that nothing proves",
        count: sum("unverifiable"),
        lines: unverifiable(),
      },
      {
        file: "failed.txt",
        title: "failed or refused, with the reason",
        count: failures.length + plan.failures.length,
        lines: failed(),
      },
      {
        file: "skipped.txt",
        title: "no files: links, sockets, impossible names",
        count: plan.skippedEntries.length,
        lines: namesOf(plan.skippedEntries, ({ path, detail }) => `${path}\t${detail}`),
      },
    ],
    slowest: slowest.map(({ key, sizeBytes, durationMs: ms }) => [
      key,
      formatBytes(sizeBytes),
      formatDuration(ms),
    ]),
    cost,
    summary,
  };
}
