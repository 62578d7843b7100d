import { join, resolve } from "node:path";
import type { StorageBackend } from "@parquetry/core/backend";
import { openHashCache } from "../proof/hash-cache.ts";
import { countLost, type ReportModel } from "../report/report-model.ts";
import { formatBytes, formatCount, formatDuration, formatFiles } from "../terminal/format-amount.ts";
import { visibleName } from "../terminal/terminal.ts";
import { formatParity } from "../verify/folder-parity.ts";
import { parseVerifyLevel } from "../verify/verify-level.ts";
import { type Verification, verifyMigration } from "../verify/verify-migration.ts";
import type { CommandContext } from "./command-context.ts";
import { describeLeftOut } from "./describe-plan.ts";
import { describeSkipped } from "./migrate-outcome.ts";
import { namesOf, tellNames, tellUnreadable } from "./name-lists.ts";
import { withBothEnds } from "./open-places.ts";
import { checkReportFolder } from "./report-folder.ts";
import { requireSelection, tellUnmatched } from "./require-selection.ts";
import { type PlaceFlags, type SelectionFlags, selectionOf } from "./selection-flags.ts";
import { showProgress } from "./show-progress.ts";
import { type RecordedStatus, recordStatus } from "./status/record-status.ts";

/** Flags of `parquetry verify`. */
export type VerifyFlags = SelectionFlags &
  PlaceFlags & {
    readonly level?: string;
    readonly seed?: string;
    readonly allowUnverified?: boolean;
    readonly report?: string;
  };

/** `parquetry verify`: compares both ends by content. Exit code 1 where they are not proven equal. */
export async function verifyCommand(context: CommandContext, flags: VerifyFlags): Promise<number> {
  const selection = selectionOf(flags);
  const level = flags.level ?? "etag";
  const parsedLevel = parseVerifyLevel(level);
  using progress = showProgress(context);
  const place = { ...context, onRetry: progress.takeRetry };
  return await withBothEnds(place, flags, async (source, target) => {
    await checkReportFolder(context, flags, [source, target]);
    const ends = { command: "verify", from: source.url(), to: target.url() } as const;
    return await recordStatus(context, progress, ends, (status) => verify(status, source, target));
  });

  async function verify(
    status: RecordedStatus,
    source: StorageBackend,
    target: StorageBackend,
  ): Promise<number> {
    const hashCache = openHashCache(join(context.cacheFolder, "file-md5"), context.warn);
    const startedAt = performance.now();
    try {
      const found = await verifyMigration(source, target, {
        ...selection,
        level: parsedLevel,
        seed: flags.seed,
        hashCache,
        signal: context.interrupt.abort,
        onProgress: status.take,
      });
      try {
        progress[Symbol.dispose]();
        return await finish(context, flags, {
          found,
          source,
          target,
          status,
          level,
          durationMs: performance.now() - startedAt,
        });
      } finally {
        found.close();
      }
    } finally {
      hashCache.close();
    }
  }
}

interface Finished {
  readonly found: Verification;
  readonly source: StorageBackend;
  readonly target: StorageBackend;
  readonly status: RecordedStatus;
  /** As given on the command line. */
  readonly level: string;
  readonly durationMs: number;
}

async function finish(context: CommandContext, flags: VerifyFlags, finished: Finished): Promise<number> {
  const { found, source, target, status, level, durationMs } = finished;
  const { terminal, json } = context;
  tellUnmatched(context, found);
  // Files that only the target holds are reported as extra.
  if (found.unusableNames + found.unreadable.length + found.extra.length === 0) {
    const files = found.folders.reduce((sum, folder) => sum + folder.source, 0);
    requireSelection(flags, { url: source.url(), files });
  }
  const proven = found.unverifiable.length === 0 || flags.allowUnverified === true;
  const exitCode = found.equal && proven ? 0 : 1;
  const headline = headlineOf(found, exitCode);
  status.end({ exitCode, headline, parity: found.folders });
  const summary = {
    exitCode,
    from: source.url(),
    to: target.url(),
    level,
    equal: found.equal,
    folders: found.folders,
    bytes: found.bytes,
    readFiles: found.readFiles,
    leftOut: found.leftOut,
    seed: found.seed,
    skippedEntries: found.skippedEntries.length,
    unreadable: found.unreadable.length,
    durationMs: Math.round(durationMs),
  };
  if (!json) for (const folder of found.folders) terminal.print(visibleName(formatParity(folder)));
  await tellUnreadable(context, found.unreadable);
  await tellNames(context, "missing", found.missing, (key) => key);
  await tellNames(context, "extra", found.extra, (key) => key);
  await tellNames(context, "differing", found.differing, (key) => key);
  await tellNames(context, "unverifiable", found.unverifiable, (key) => key);
  await tellNames(context, "unreadable", found.failures, ({ message }) => message);
  await tellNames(context, "not compared", found.skippedEntries, ({ path, detail }) => `${path}: ${detail}`);
  if (flags.report !== undefined) {
    const { writeReport } = await import("../report/write-report.ts");
    const model = await reportOf(finished, { headline, ok: exitCode === 0, summary });
    await writeReport(resolve(context.cwd, flags.report), model);
    context.note(`Report: ${resolve(context.cwd, flags.report, "report.html")}`);
  }
  context.emit("summary", summary);
  if (!json && (!context.quiet || exitCode !== 0 || found.skippedEntries.length > 0)) {
    terminal.tell(terminal.mark(exitCode === 0 ? "green" : "red", headline));
  }
  const left = describeLeftOut(found.leftOut);
  if (left !== "") context.note(`Left out: ${left}`);
  if (isSample(level)) context.note(`To repeat this sample: --level ${level} --seed ${quoted(found.seed)}`);
  return exitCode;
}

function isSample(level: string): boolean {
  return level.startsWith("sample");
}

/** A text quoted for a shell. */
function quoted(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function headlineOf(found: Verification, exitCode: number): string {
  const files = found.folders.reduce((sum, folder) => sum + folder.source, 0);
  const read = found.readFiles === 0 ? "" : ` ${formatFiles(found.readFiles)} read on both sides.`;
  if (exitCode === 0) {
    const unproven = found.unverifiable.length;
    const but = unproven === 0 ? "" : `, except for ${formatCount(unproven)} that cannot be proven`;
    const left = describeSkipped(found.skippedEntries);
    return `Equal: ${formatFiles(files)}, ${formatBytes(found.bytes.source)} on both sides${but}${left}.${read}`;
  }
  const told = (["missing", "extra", "differing", "unverifiable"] as const)
    .filter((list) => found[list].length > 0)
    .map((list) => {
      const unread = list === "unverifiable" ? found.failures.length + found.unreadable.length : 0;
      const why = unread === 0 ? "" : ` (${formatCount(unread)} could not be read)`;
      return `${formatCount(found[list].length)} ${list}${why}`;
    });
  if (found.unusableNames > 0) told.push(`${formatCount(found.unusableNames)} without a usable name`);
  return `Not equal: ${told.join(", ")}.${read}`;
}

async function reportOf(
  { found, source, target, level, durationMs }: Finished,
  outcome: { readonly headline: string; readonly ok: boolean; readonly summary: Record<string, unknown> },
): Promise<ReportModel> {
  const { missing, extra, differing, unverifiable, failures, skippedEntries, folders, bytes } = found;
  async function* failed(): AsyncGenerator<string> {
    for (const list of [found.unreadable, failures])
      for await (const { key, code, message } of list) yield `${key}\t${code}\t${message}`;
  }
  return {
    command: "verify",
    ...outcome,
    from: source.url(),
    to: target.url(),
    finishedAt: new Date(),
    folders,
    lost: await countLost(skippedEntries),
    figures: [
      {
        label: "files at the source",
        value: formatCount(folders.reduce((sum, folder) => sum + folder.source, 0)),
      },
      {
        label: "files at the target",
        value: formatCount(folders.reduce((sum, folder) => sum + folder.target, 0)),
      },
      { label: "bytes at the source", value: formatBytes(bytes.source) },
      { label: "bytes at the target", value: formatBytes(bytes.target) },
      { label: "read on both sides", value: formatFiles(found.readFiles) },
      ...(isSample(level) ? [{ label: "seed of the sample", value: found.seed }] : []),
      { label: "time", value: formatDuration(durationMs) },
    ],
    lists: [
      { file: "missing.txt", title: "missing at the target", count: missing.length, lines: missing },
      { file: "extra.txt", title: "only at the target", count: extra.length, lines: extra },
      { file: "differing.txt", title: "with different content", count: differing.length, lines: differing },
      {
        file: "unverifiable.txt",
        title: "unverifiable: nothing proves them equal",
        count: unverifiable.length,
        lines: unverifiable,
      },
      {
        file: "failed.txt",
        title: "could not be read, with the reason",
        count: found.unreadable.length + failures.length,
        lines: failed(),
      },
      {
        file: "skipped.txt",
        title: "not compared: links, sockets, unusable names",
        count: skippedEntries.length,
        lines: namesOf(skippedEntries, ({ path, detail }) => `${path}\t${detail}`),
      },
    ],
    slowest: [],
  };
}
