import { migrationParity } from "../report/migration-parity.ts";
import { countLost, type ReportCost, type ReportModel } from "../report/report-model.ts";
import type { MigrationResult } from "../run/migration-result.ts";
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatDuration,
  formatFiles,
} from "../terminal/format-amount.ts";
import { namesOf } from "./name-lists.ts";
import type { EarlierRuns } from "./status/earlier-runs.ts";

/** The parts of a report that are not in the result. */
export interface MigrationOutcome {
  readonly headline: string;
  readonly exitCode: number;
  readonly summary: Readonly<Record<string, unknown>>;
  readonly retries: number;
  readonly cost: ReportCost | undefined;
  readonly earlier: EarlierRuns | undefined;
}

/** A migration's result as a report. */
export async function reportOf(result: MigrationResult, outcome: MigrationOutcome): Promise<ReportModel> {
  const { plan, copied, durationMs, slowest, failures } = result;
  const { headline, exitCode, summary, retries, cost, earlier } = outcome;
  async function* missing(): AsyncGenerator<string> {
    for await (const { key, replaces } of result.pending()) if (replaces === undefined) yield key;
    for await (const { key, code } of plan.failures) if (code === "refused") yield key;
  }
  async function* differing(): AsyncGenerator<string> {
    yield* plan.differing;
    for await (const { key, replaces } of result.pending()) if (replaces !== undefined) yield key;
  }
  async function* failed(): AsyncGenerator<string> {
    for await (const { key, code, message } of plan.unreadable) yield `${key}\t${code}\t${message}`;
    for await (const { key, code, message } of plan.failures) yield `${key}\t${code}\t${message}`;
    for await (const { key, code, message } of failures) yield `${key}\t${code}\t${message}`;
  }
  async function* unverifiable(): AsyncGenerator<string> {
    yield* plan.unverifiable;
    for await (const { key, code } of plan.failures) if (code !== "refused") yield key;
    for await (const { key } of plan.unreadable) yield key;
  }
  const parity = migrationParity(result);
  const failedCount = failures.length + plan.failures.length + plan.unreadable.length;
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
    lost: await countLost(plan.skippedEntries),
    figures: [
      { label: "at the source", value: formatFiles(parity.reduce((total, { source }) => total + source, 0)) },
      ...(earlier === undefined
        ? []
        : [
            {
              label: `copied by ${formatCounted(earlier.runs, "earlier run")}`,
              value: `${earlier.atLeast ? "at least " : ""}${formatFiles(earlier.files)}, ${formatBytes(earlier.bytes)}`,
            },
            { label: "time of the earlier runs", value: formatDuration(earlier.durationMs) },
          ]),
      { label: "equal before this run", value: formatFiles(plan.total.skip.files) },
      { label: "copied by this run", value: formatFiles(copied.files) },
      { label: "bytes of this run", value: formatBytes(copied.bytes) },
      { label: "time of this run", value: formatDuration(durationMs) },
      { label: "retries", value: formatCount(retries) },
      { label: "failed", value: formatCount(failedCount) },
    ],
    lists: [
      { file: "missing.txt", title: "missing at the target", count: sum("missing"), lines: missing() },
      { file: "extra.txt", title: "only at the target, left alone", count: sum("extra"), lines: plan.extra },
      {
        file: "differing.txt",
        title: "with different content at the target",
        count: sum("differing"),
        lines: differing(),
      },
      {
        file: "unverifiable.txt",
        title: "unverifiable: nothing proves them equal",
        count: sum("unverifiable"),
        lines: unverifiable(),
      },
      {
        file: "failed.txt",
        title: "failed or refused, with the reason",
        count: failedCount,
        lines: failed(),
      },
      {
        file: "skipped.txt",
        title: "not copied: links, sockets, unusable names",
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
