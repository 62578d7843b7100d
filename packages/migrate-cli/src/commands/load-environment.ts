import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { StorageError } from "@parquetry/core/backend";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Adds the variables of `.env` (or of `file`) to an environment, which wins where both have one. A missing `.env` is
 * fine, a missing `file` is not.
 *
 * @throws StorageError `invalid_argument`, op `config`, where the file cannot be read. Its content is never shown.
 */
export function loadEnvironment(env: Environment, cwd: string, file: string | undefined): Environment {
  const path = resolve(cwd, file ?? ".env");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    if (file === undefined && (code === "ENOENT" || code === "ENOTDIR")) return env;
    throw new StorageError({
      code: "invalid_argument",
      op: "config",
      message: `The file of variables ${path} cannot be read (${code}). Give another one by --env-file; \`parquetry init\` writes a template.`,
    });
  }
  const set = Object.entries(env).filter(([, value]) => value !== undefined);
  return { ...parseEnv(text), ...Object.fromEntries(set) };
}
