/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The prefixes that are read where none is chosen, the first one winning: the project's own, and its first user's. */
export const DEFAULT_ENV_PREFIXES: readonly string[] = ["PARQUETRY", "CFB"];

/** A variable that was looked for. */
export interface Variable {
  /** Its name: the one that was found, or those to choose from. */
  readonly name: string;
  /** Its value; empty counts as not set. */
  readonly value: string | undefined;
}

/** Looks variables up under one or more prefixes. */
export interface VariableReader {
  /** The first of the suffixes that is set, prefix by prefix: `R2_BUCKET` finds `PARQUETRY_R2_BUCKET` or `CFB_R2_BUCKET`. */
  find(...suffixes: readonly string[]): Variable;
}

/** Makes a {@link VariableReader} for one prefix, or for the default ones. */
export function variableReader(env: Environment, envPrefix: string | undefined): VariableReader {
  const prefixes = envPrefix === undefined ? DEFAULT_ENV_PREFIXES : [envPrefix];
  return {
    find(...suffixes) {
      const names = prefixes.flatMap((prefix) => suffixes.map((suffix) => `${prefix}_${suffix}`));
      const found = names.find((name) => (env[name] ?? "") !== "");
      // The first prefix has the first suffix, the last one the last: PARQUETRY_DATA_ROOT, CFB_MODEL_DATA_ROOT.
      const choice = [...new Set([names[0], names.at(-1)])].join(" or ");
      return { name: found ?? choice, value: found === undefined ? undefined : env[found] };
    },
  };
}
