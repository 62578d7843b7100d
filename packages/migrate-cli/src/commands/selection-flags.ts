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

/** Adds the flags that choose files. */
export function addSelectionFlags(command: Command): Command {
  return command
    .option("--include <glob>", "only what matches, e.g. raw/ (repeatable)", repeated)
    .option("--exclude <glob>", "not what matches, e.g. '*.csv' (repeatable)", repeated)
    .option("--where <condition>", "only these partitions, e.g. year=2024,week=1..4", repeated)
    .option("--shard <i/n>", "only part i of n, i from 0 (for array jobs)")
    .option("--no-default-excludes", "also ._*, .DS_Store, temporary files and the system's own");
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
