import { Command, Option } from "commander";
import type { CompactedPartition, CompactionReport } from "../compact/compact-options.ts";
import { openQuery } from "../database/open-query.ts";
import { defaultCacheDirectory } from "../files/cache-directory.ts";
import { type GlobalOptions, parseWith } from "./command-line.ts";
import { counted, formatBytes } from "./draw-explanation.ts";
import { loadEnvFile } from "./open-storage.ts";
import { writeText } from "./output.ts";
import { type CliContext, report } from "./run-cli.ts";
import { addTypeOptions, declaredTypes, type TypeOptions } from "./type-options.ts";
import { usage } from "./usage.ts";

interface CompactLine extends GlobalOptions, TypeOptions {
  readonly dryRun: boolean;
  readonly where: readonly string[];
  readonly sortBy?: string;
  readonly into?: string;
  readonly keys?: string;
}

const EXAMPLES = `
Examples:
  parquetry-query compact raw/plays --dry-run
  parquetry-query compact raw/plays --where year=2024 --sort-by play_id
  parquetry-query compact raw/plays --into raw/plays_by_week --keys year,week

Each partition is rewritten atomically, and only after its new file was read
back and found to hold the same rows. Running the same command again goes on
where the last one stopped. Exit codes: 0 done, 1 a partition failed (each is
named, and as it was), 2 wrong usage, 130 interrupted.`;

/** Runs `parquetry-query compact`: many small files become few. */
export async function runCompact(context: CliContext): Promise<number> {
  const command = new Command("parquetry-query compact")
    .description("Make one file of the many files of each partition.")
    .argument("<entity>", "such as raw/plays")
    .option("--dry-run", "say what would be done, and write nothing", false)
    .addOption(
      new Option("--where <key=value>", "only these partitions; repeat it, or separate by commas")
        .argParser((value: string, before: readonly string[]) => [...before, value])
        .default([]),
    )
    .option("--sort-by <columns>", "sort the rows by these columns, separated by commas")
    .option("--into <entity>", "write another entity, and leave this one as it is; needs --keys")
    .option("--keys <keys>", "the partition keys of --into, separated by commas; the others become columns")
    .addHelpText("after", EXAMPLES);
  const code = parseWith(addTypeOptions(command), context.argv.slice(1), {
    out: (text) => context.stdout.write(text),
    err: (text) => context.stderr.write(text),
  });
  if (code !== undefined) return code;
  const line = command.opts<CompactLine>();
  try {
    if ((line.into === undefined) !== (line.keys === undefined)) throw usage("--into and --keys go together");
    await loadEnvFile(line.envFile, context.env);
    await using storage = await context.openStorage(context.env, line.envPrefix);
    await using db = await openQuery(storage, {
      cacheDirectory: defaultCacheDirectory(context.env),
      ...(await declaredTypes(line, storage)),
    });
    const done = await db.compact(command.args[0] ?? "", {
      dryRun: line.dryRun,
      where: parseWhere(line.where),
      sortBy: names(line.sortBy),
      into: line.into === undefined ? undefined : { entity: line.into, keys: names(line.keys) },
      signal: context.signal,
      onPartition: (partition) => {
        if (!line.json && !line.quiet && !line.dryRun) context.stderr.write(`${describe(partition)}\n`);
      },
    });
    await writeText(context.stdout, [line.json ? `${JSON.stringify(done)}\n` : draw(done)]);
    return done.failed.length === 0 ? 0 : 1;
  } catch (error) {
    return report(context, line, error);
  }
}

function describe({ partition, filesBefore, bytesBefore, bytesAfter, rows }: CompactedPartition): string {
  const after =
    bytesAfter === undefined ? "1 file" : `1 file (${formatBytes(bytesAfter)}, ${counted(rows ?? 0, "row")})`;
  return `${partition || "(all)"}: ${counted(filesBefore, "file")} (${formatBytes(bytesBefore)}) -> ${after}`;
}

function draw({ entity, target, dryRun, compacted, skipped, failed }: CompactionReport): string {
  if (compacted.length + skipped.length + failed.length === 0)
    return `${entity}: no partition is selected; nothing was written\n`;
  const files = compacted.reduce((sum, { filesBefore }) => sum + filesBefore, 0);
  const lines = dryRun ? compacted.map(describe) : [];
  const place = target === entity ? entity : `${entity} -> ${target}`;
  lines.push(
    `${place}: ${counted(files, "file")} ${dryRun ? "would become" : "became"} ${compacted.length}; ${counted(skipped.length, "partition")} left as ${skipped.length === 1 ? "it is" : "they are"}${dryRun ? "; nothing was written" : ""}`,
  );
  for (const reason of new Set(skipped.map((each) => each.reason))) {
    const count = skipped.filter((each) => each.reason === reason).length;
    lines.push(`not compacted, because ${reason}: ${counted(count, "partition")}`);
  }
  for (const { partition, error } of failed) lines.push(`failed: ${partition || "(all)"}: ${error.message}`);
  return `${lines.join("\n")}\n`;
}

function names(list: string | undefined): readonly string[] {
  return (list ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function parseWhere(given: readonly string[]): Record<string, readonly string[]> {
  const where: Record<string, string[]> = {};
  for (const pair of given.flatMap((each) => each.split(","))) {
    const equals = pair.indexOf("=");
    if (equals <= 0) throw usage(`--where ${pair} is no key=value`);
    const key = pair.slice(0, equals);
    where[key] = [...(where[key] ?? []), pair.slice(equals + 1)];
  }
  return where;
}
