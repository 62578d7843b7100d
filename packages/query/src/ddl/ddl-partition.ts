/** A partition as `generateDdl` needs it. */
export interface DdlPartition {
  /** The values of the keys, outermost first; null for NULL. */
  readonly values: readonly (string | null)[];
  /** Its folder below the table: `year=2024/week=5`. */
  readonly path: string;
}

/**
 * Returns whether an engine that decodes folder names as Hive does reads another value: it makes one character of each `%XX`, so
 * that `caf%C3%A9` becomes `cafÃ©`. Parquetry writes such characters as they are, as Hive does.
 */
export function isMisreadByHive({ path }: DdlPartition): boolean {
  return /%[89A-F][0-9A-F]/i.test(path);
}
