import type { Command } from "commander";
import type { SelectionOptions } from "../select/selection.ts";
import { parseShard } from "../select/shard.ts";
import { repeated } from "./flag-values.ts";

/** The flags that choose files, as commander gives them. */
export interface SelectionFlags {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly where?: readonly string[];
  readonly shard?: string;
  /** False with `--no-default-excludes`. */
  readonly defaultExcludes?: boolean;
}

/** Adds `--where`, which has one grammar in every command. */
export function addWhereFlag(command: Command): Command {
  return command.option(
    "--where <condition>",
    "only these partitions, e.g. year=2024,week=1..4 (repeatable)",
    repeated,
  );
}

/** Adds the flags that choose files. */
export function addSelectionFlags(command: Command): Command {
  return addWhereFlag(command)
    .option("--include <glob>", "only files that match, e.g. raw/ (repeatable)", repeated)
    .option("--exclude <glob>", "no files that match, e.g. '*.csv' (repeatable)", repeated)
    .option("--shard <i/n>", "only part i of n, counted from 0 (for array jobs)")
    .option("--no-default-excludes", "include ._*, .DS_Store, .env, temporary and system files");
}

/**
 * The selection that flags ask for.
 *
 * @throws StorageError `invalid_argument` for a bad shard.
 */
export function selectionOf(flags: SelectionFlags): SelectionOptions {
  const { include, exclude, where, shard, defaultExcludes } = flags;
  return {
    include,
    exclude,
    where,
    shard: shard === undefined ? undefined : parseShard(shard),
    leaveOut: defaultExcludes,
  };
}

/** Adds the flags that name two places. */
export function addPlaceFlags(command: Command): Command {
  return command
    .option("--from <uri>", "a path, s3://bucket/prefix or r2://bucket/prefix (default: the local data root)")
    .option("--to <uri>", "the same (default: the configured cloud backend)");
}

/** The flags that name two places, as commander gives them. */
export interface PlaceFlags {
  readonly from?: string;
  readonly to?: string;
}
