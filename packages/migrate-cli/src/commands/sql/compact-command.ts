import { StorageError } from "@parquetry/core/backend";
import type { CompactedPartition, CompactionReport } from "@parquetry/query";
import { parseConditions } from "../../select/where.ts";
import { formatBytes, formatCount, formatCounted, formatFiles } from "../../terminal/format-amount.ts";
import { type CommandContext, usageError } from "../command-context.ts";
import { EXIT_INCOMPLETE, EXIT_OK } from "../exit-codes.ts";
import { type TypeFlags, withDatabase } from "./open-database.ts";

/** Flags of `parquetry compact`. */
export type CompactFlags = TypeFlags & {
  readonly dryRun?: boolean;
  readonly where?: readonly string[];
  readonly sortBy?: string;
  readonly into?: string;
  readonly keys?: string;
};

/** `parquetry compact`: merges the files of each partition into one. Exit code 1 if a partition failed. */
export async function compactCommand(
  context: CommandContext,
  flags: CompactFlags,
  table = "",
): Promise<number> {
  const { dryRun = false, where = [], into, keys } = flags;
  if ((into === undefined) !== (keys === undefined))
    throw usageError("--into needs --keys, and --keys needs --into.");
  const conditions = parseConditions(where);
  return await withDatabase(context, flags, async (db) => {
    const report = await db.compact(table, {
      dryRun,
      where: Object.fromEntries(conditions),
      sortBy: names(flags.sortBy),
      into: into === undefined ? undefined : { entity: into, keys: names(keys) },
      signal: context.interrupt.abort,
      onPartition: (partition) => {
        if (!dryRun) context.note(describe(partition));
      },
    });
    const { entity, compacted, skipped, failed } = report;
    if (where.length > 0 && compacted.length + skipped.length + failed.length === 0)
      throw new StorageError({
        code: "invalid_argument",
        op: "select",
        message: `Nothing is selected: no partition of ${entity} matches ${where.map((each) => `--where ${JSON.stringify(each)}`).join(" ")}.`,
      });
    const exitCode = failed.length === 0 ? EXIT_OK : EXIT_INCOMPLETE;
    context.emit("summary", { exitCode, ...report });
    if (!context.json) for (const line of draw(report)) context.terminal.print(line);
    return exitCode;
  });
}

function describe({ partition, filesBefore, bytesBefore, bytesAfter, rows }: CompactedPartition): string {
  const after =
    bytesAfter === undefined
      ? "1 file"
      : `1 file (${formatBytes(bytesAfter)}, ${formatCounted(rows ?? 0, "row")})`;
  return `${partition || "(all)"}: ${formatFiles(filesBefore)} (${formatBytes(bytesBefore)}) -> ${after}`;
}

function draw({ entity, target, dryRun, compacted, skipped, failed }: CompactionReport): readonly string[] {
  const files = compacted.reduce((sum, { filesBefore }) => sum + filesBefore, 0);
  const place = target === entity ? entity : `${entity} -> ${target}`;
  const done =
    compacted.length === 0
      ? "nothing to compact"
      : `${formatFiles(files)} ${dryRun ? "would become" : "became"} ${formatCount(compacted.length)}`;
  const reasons = [...new Set(skipped.map(({ reason }) => reason))];
  return [
    ...(dryRun ? compacted.map(describe) : []),
    `${place}: ${done}, ${formatCounted(skipped.length, "partition")} left unchanged${dryRun ? "; nothing was written" : ""}`,
    ...reasons.map((reason) => {
      const count = skipped.filter((each) => each.reason === reason).length;
      return `not compacted, because ${reason}: ${formatCounted(count, "partition")}`;
    }),
    ...failed.map(({ partition, error }) => `failed: ${partition || "(all)"}: ${error.message}`),
  ];
}

function names(list = ""): readonly string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
