import { isWithin, type Key, type OptionKinds, type Prefix, parsePrefix } from "@parquetry/core/backend";
import { compileGlob, literalFolder, mayMatchBelow } from "./glob.ts";
import { type LeftOutClass, leftOutClass } from "./left-out.ts";
import { SHARD_KIND, type Shard, shardOf } from "./shard.ts";
import { parseWhere } from "./where.ts";

/** Which files a command is about. Everything by default, but for the classes of {@link LeftOutClass}. */
export interface SelectionOptions {
  /** Globs; a file must match one of them. Default: every file. */
  readonly include?: readonly string[] | undefined;
  /** Globs; a file that matches one of them is not selected. */
  readonly exclude?: readonly string[] | undefined;
  /** Conditions on Hive partitions (`year=2024,week=1..4`): each key must have one of the values given for it. */
  readonly where?: readonly string[] | undefined;
  /** Only this part of the keys. Default: all. */
  readonly shard?: Shard | undefined;
  /** Whether AppleDouble, `.DS_Store` and temporary files are left out. Default true. */
  readonly leaveOut?: boolean | undefined;
}

/** The names of {@link SelectionOptions}. */
export const SELECTION_OPTIONS: OptionKinds<SelectionOptions> = {
  include: "strings",
  exclude: "strings",
  where: "strings",
  shard: SHARD_KIND,
  leaveOut: "boolean",
};

/** `selected`, `filtered` (by an option), or the class a file is left out for. */
export type Verdict = "selected" | "filtered" | LeftOutClass;

/** Compiled {@link SelectionOptions}. */
export interface Selection {
  /** The folder all selected files lie below: where a listing starts. */
  readonly prefix: Prefix;
  /** What becomes of a key. */
  judge(key: Key): Verdict;
  /** Whether something that is no file is told of: not where its own name is excluded, nor where nothing below it can be selected. */
  concerns(path: string): boolean;
  /** Whether a file below a folder, or the file of that name, may be selected; false only where none can. */
  mayHold(folder: string): boolean;
}

/**
 * Compiles which files are selected.
 *
 * @throws StorageError `invalid_argument` naming the glob or condition that cannot be read.
 * @example
 * ```ts
 * const { judge } = compileSelection({ include: ["raw/"], exclude: ["*.csv"] });
 * ```
 */
export function compileSelection(options: SelectionOptions = {}): Selection {
  const { include = [], exclude = [], where = [], shard, leaveOut = true } = options;
  const included = include.map(compileGlob);
  const excluded = exclude.map(compileGlob);
  const holds = parseWhere(where);
  const mayHold = (folder: string): boolean => {
    const names = PROBES.map((name) => `${folder}/${name}`);
    if (excluded.some((matches) => names.every(matches))) return false;
    if (leaveOut && names.every((name) => leftOutClass(name) !== undefined)) return false;
    if (include.length > 0 && !include.some((glob) => mayMatchBelow(glob, folder))) return false;
    return holds(folder, true);
  };
  return {
    prefix: parsePrefix(commonFolder(include.map(literalFolder))),
    judge(key) {
      if (included.length > 0 && !included.some((matches) => matches(key))) return "filtered";
      if (excluded.some((matches) => matches(key))) return "filtered";
      if (!holds(key)) return "filtered";
      if (shard !== undefined && shardOf(key, shard.count) !== shard.index) return "filtered";
      return (leaveOut ? leftOutClass(key) : undefined) ?? "selected";
    },
    mayHold,
    concerns: (path) => !excluded.some((matches) => matches(path)) && mayHold(path),
  };
}

/** Names that a pattern matches together only where it matches every name, at any depth. */
const PROBES: readonly string[] = ["q", "qqqqqqqqqqqqqqqq", "q.q", ".q", "q/q/q", "Q-0_Q=é"];

function commonFolder(folders: readonly string[]): string {
  const [first = ""] = folders;
  let common = first;
  while (common !== "" && !folders.every((folder) => isWithin(common, folder))) {
    common = common.slice(0, Math.max(0, common.lastIndexOf("/")));
  }
  return common;
}
