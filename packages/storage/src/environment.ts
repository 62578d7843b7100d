/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The prefixes that are read when none is chosen; where both are set, the first one wins. */
export const DEFAULT_ENV_PREFIXES: readonly string[] = ["PARQUETRY", "CFB"];

/** A variable and its value. */
export interface Variable {
  /** The name of the variable that is set, or else the one to set. */
  readonly name: string;
  /** Undefined if it is not set, or set to an empty string. */
  readonly value: string | undefined;
}

/**
 * Finds the first variable that is set, prefix by prefix: `["R2_BUCKET"]` finds `PARQUETRY_R2_BUCKET`, else `CFB_R2_BUCKET`.
 * Several suffixes are names for the same thing.
 */
export function findVariable(
  env: Environment,
  envPrefix: string | undefined,
  suffixes: readonly string[],
): Variable {
  const prefixes = envPrefix === undefined ? DEFAULT_ENV_PREFIXES : [envPrefix];
  const names = prefixes.flatMap((prefix) => suffixes.map((suffix) => `${prefix}_${suffix}`));
  const found = names.find((name) => (env[name] ?? "") !== "");
  return { name: found ?? names[0] ?? "", value: found === undefined ? undefined : env[found] };
}
