import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { type Storage, StorageError } from "@parquetry/core";

/** Puts the variables of a `.env` file into the environment; what is set already stays. */
export async function loadEnvFile(path: string | undefined, env: NodeJS.ProcessEnv): Promise<void> {
  let text: string;
  try {
    text = await readFile(path ?? ".env", "utf8");
  } catch (cause) {
    if (path === undefined && cause instanceof Error && "code" in cause && cause.code === "ENOENT") return;
    throw new StorageError({
      code: "invalid_argument",
      op: "configuration",
      path: path ?? ".env",
      message: `configuration: ${path ?? ".env"} cannot be read. Give a file of NAME=value lines by --env-file.`,
      cause,
    });
  }
  for (const [name, value] of Object.entries(parseEnv(text))) env[name] ??= value;
}

/**
 * Opens the storage that the environment names, by the package `parquetry`.
 *
 * @throws StorageError `not_supported` where that is not installed; `invalid_argument` naming every wrong variable.
 */
export async function openStorage(
  env: Readonly<Record<string, string | undefined>>,
  envPrefix: string | undefined,
): Promise<Storage> {
  const { getStorage } = await loadUmbrella();
  return getStorage({ env, ...(envPrefix === undefined ? {} : { envPrefix }) });
}

/** The package is an optional peer: whoever gives `openQuery` a storage of their own does not need it. */
async function loadUmbrella(): Promise<typeof import("@parquetry/storage")> {
  try {
    return await import("@parquetry/storage");
  } catch (cause) {
    if (!isMissingUmbrella(cause)) throw cause;
    throw new StorageError({
      code: "not_supported",
      op: "configuration",
      message:
        "configuration: the package that opens storages from the environment is missing. Run: npm install parquetry (with --global where this command is installed so)",
      cause,
    });
  }
}

/** Only the package itself: something missing inside of it is another error. */
function isMissingUmbrella(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "ERR_MODULE_NOT_FOUND" &&
    error.message.includes("'parquetry'")
  );
}
