import type { Key, Prefix } from "@parquetry/core/backend";
import { parsePrefix } from "@parquetry/core/backend";
import { isWithin, type OptionKinds } from "@parquetry/core/unstable";
import { compileGlob, literalFolder, mayMatchBelow } from "./glob.ts";
import { type LeftOutClass, leftOutClass } from "./left-out.ts";
import { SHARD_KIND, type Shard, shardOf } from "./shard.ts";
import { parseWhere } from "./where.ts";

/** Which files are selected. Default: all files except the classes of {@link LeftOutClass}. */
export interface SelectionOptions {
  /** Globs, of which a file must match one. Default: all files. */
  readonly include?: readonly string[] | undefined;
  /** Globs, of which a file must match none. */
  readonly exclude?: readonly string[] | undefined;
  /** Conditions on Hive partitions (`year=2024,week=1..4`): each named key must have one of its values. */
  readonly where?: readonly string[] | undefined;
  /** Selects one part of the keys. Default: all. */
  readonly shard?: Shard | undefined;
  /** Whether AppleDouble, `.DS_Store`, temporary, system and `.env` files are left out. Default true. */
  readonly leaveOut?: boolean | undefined;
}

/** The kinds of {@link SelectionOptions}. */
export const SELECTION_OPTIONS: OptionKinds<SelectionOptions> = {
  include: "strings",
  exclude: "strings",
  where: "strings",
  shard: SHARD_KIND,
  leaveOut: "boolean",
};

/** `selected`, `filtered` by an option, or the class of a file that is left out by default. */
export type Verdict = "selected" | "filtered" | LeftOutClass;

/** A pattern that matched nothing: most likely it is misspelt. */
export interface UnmatchedPattern {
  /** The option that has it. */
  readonly option: "include" | "exclude";
  /** The pattern. */
  readonly pattern: string;
}

/** Compiled {@link SelectionOptions}. */
export interface Selection {
  /** The folder that contains all selected files: where a listing starts. */
  readonly prefix: Prefix;
  /** Returns the verdict on a key. */
  judge(key: Key): Verdict;
  /** Whether an entry that is not a file is reported: neither its name nor everything below it is excluded. */
  concerns(path: string): boolean;
  /** Whether a file below a folder, or the file of that name, may be selected. False only if none can. */
  mayHold(folder: string): boolean;
  /** The patterns that have matched none of the keys and folders so far, each once. */
  unmatched(): readonly UnmatchedPattern[];
}

/**
 * Compiles a selection.
 *
 * @throws StorageError `invalid_argument` that names the invalid glob or condition.
 */
export function compileSelection(options: SelectionOptions = {}): Selection {
  const { include = [], exclude = [], where = [], shard, leaveOut = true } = options;
  const included = include.map(compileGlob);
  const excluded = exclude.map(compileGlob);
  const matchers = new Map([
    ...patternsOf("include", include, included),
    ...patternsOf("exclude", exclude, excluded),
  ]);
  const strike = (path: string): void => {
    for (const [name, { matches }] of matchers) if (matches(path)) matchers.delete(name);
  };
  const holds = parseWhere(where);
  const mayHold = (folder: string): boolean => {
    const names = PROBES.map((name) => `${folder}/${name}`);
    if (excluded.some((matches) => names.every(matches))) {
      for (const name of names) strike(name);
      return false;
    }
    if (leaveOut && names.every((name) => leftOutClass(name) !== undefined)) return false;
    if (include.length > 0 && !include.some((glob) => mayMatchBelow(glob, folder))) return false;
    return holds(folder, true);
  };
  return {
    prefix: parsePrefix(commonFolder(include.map(literalFolder))),
    judge(key) {
      if (matchers.size > 0) strike(key);
      if (included.length > 0 && !included.some((matches) => matches(key))) return "filtered";
      if (excluded.some((matches) => matches(key))) return "filtered";
      if (!holds(key)) return "filtered";
      if (shard !== undefined && shardOf(key, shard.count) !== shard.index) return "filtered";
      return (leaveOut ? leftOutClass(key) : undefined) ?? "selected";
    },
    mayHold,
    concerns(path) {
      strike(path);
      return !excluded.some((matches) => matches(path)) && mayHold(path);
    },
    unmatched: () => [...matchers.values()].map(({ option, pattern }) => ({ option, pattern })),
  };
}

function patternsOf(
  option: UnmatchedPattern["option"],
  patterns: readonly string[],
  compiled: readonly ((path: string) => boolean)[],
): [string, UnmatchedPattern & { readonly matches: (path: string) => boolean }][] {
  return compiled.map((matches, i) => {
    const pattern = patterns[i] ?? "";
    return [`${option} ${pattern}`, { option, pattern, matches }];
  });
}

/** Names that a pattern matches all of only if it matches every name at any depth. */
const PROBES: readonly string[] = ["q", "qqqqqqqqqqqqqqqq", "q.q", ".q", "q/q/q", "Q-0_Q=é"];

function commonFolder(folders: readonly string[]): string {
  const [first = ""] = folders;
  let common = first;
  while (common !== "" && !folders.every((folder) => isWithin(common, folder))) {
    common = common.slice(0, Math.max(0, common.lastIndexOf("/")));
  }
  return common;
}
