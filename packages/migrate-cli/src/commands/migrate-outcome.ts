import type { SkippedEntry } from "@parquetry/core/unstable";
import type { MigrationPlan } from "../plan/migration-plan.ts";
import type { MigrationResult } from "../run/migration-result.ts";
import type { Spool } from "../spool/spool.ts";
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatDuration,
  formatFiles,
} from "../terminal/format-amount.ts";
import type { EarlierRuns } from "./status/earlier-runs.ts";

/** The flag that decides whether an unverifiable file is a failure. */
interface OutcomeFlags {
  readonly allowUnverified?: boolean;
}

/** The number of source files that the executed plan will not prove to be at the target. */
export function leftBehind(plan: MigrationPlan, flags: OutcomeFlags): number {
  const { differs, refused, failed, unverifiable } = plan.total;
  return (
    differs.files +
    refused.files +
    failed.files +
    plan.unusableNames +
    plan.unreadable.length +
    (flags.allowUnverified === true ? 0 : unverifiable.files)
  );
}

/** The exit code of a migration: 0 done and equal, 1 not all of it, 2 hopeless from the start, 130 interrupted. */
export function migrationExitCode(result: MigrationResult, flags: OutcomeFlags): number {
  if (result.stopped === "interrupted") return 130;
  if (result.stopped === "hopeless" && result.copied.files === 0) return 2;
  return result.failures.length > 0 || result.stopped !== undefined || leftBehind(result.plan, flags) > 0
    ? 1
    : 0;
}

/** A migration in one sentence. */
export function headlineOf(result: MigrationResult, exitCode: number): string {
  const { copied, failures, durationMs, stopped, plan } = result;
  const rate = copied.bytes / Math.max(0.001, durationMs / 1000);
  const did =
    copied.files === 0
      ? "Nothing was copied"
      : `Copied ${formatFiles(copied.files)}, ${formatBytes(copied.bytes)} in ${formatDuration(durationMs)} (${formatBytes(rate)}/s)`;
  if (stopped === "interrupted")
    return `${did}. Interrupted with ${formatFiles(plan.files.length - copied.files)} to go. Run the same command again to continue.`;
  if (stopped === "hopeless")
    return copied.files === 0
      ? `${did}: every file fails in the same way.`
      : `${did}. Stopped: the other files would fail in the same way.`;
  if (stopped === "max_errors")
    return `${did}. Stopped after ${formatCounted(failures.length, "error")} (--max-errors).`;
  if (exitCode === 0) {
    const left = describeSkipped(plan.skippedEntries);
    return copied.files === 0
      ? `Nothing to do: everything is there${left}.`
      : `${did}. Everything is there${left}.`;
  }
  const { differs, unverifiable, refused, failed } = plan.total;
  const problems = [
    [failures.length + failed.files, "failed"],
    [refused.files, "refused"],
    [differs.files, "differ"],
    [unverifiable.files, "unverifiable"],
    [plan.unusableNames, "without a usable name"],
    [plan.unreadable.length, "unreadable"],
  ] as const;
  const told = problems
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${formatCount(count)} ${what}`);
  return `${did}. Not complete: ${told.join(", ")}.`;
}

/** Returns a sentence about the files that earlier runs of a resumed migration copied. */
export function describeEarlier({ runs, files, bytes, durationMs, atLeast }: EarlierRuns): string {
  const copied = `${atLeast ? "at least " : ""}${formatFiles(files)}, ${formatBytes(bytes)}`;
  return `Earlier, ${formatCounted(runs, "run")} of this migration copied ${copied} in ${formatDuration(durationMs)}.`;
}

/** The entries that are not files, such as links, which a sentence of success must not hide. */
export function describeSkipped(skipped: Spool<SkippedEntry>): string {
  const [first] = skipped.first(1);
  if (first === undefined) return "";
  const more = skipped.length === 1 ? "" : ` and ${formatCount(skipped.length - 1)} more`;
  return `, except for ${first.path} (${first.detail})${more}`;
}

/** A note about objects that were uploaded in parts, whose ETag does not prove their content. */
export function describeUnproven(count: number): string {
  return (
    `${formatFiles(count)} moved in parts, so no listing can prove their content:\n` +
    "parquetry verify --level full reads them on both sides."
  );
}
