import { createRequire } from "node:module";
import { StorageError } from "@parquetry/core/backend";

/**
 * Loads an optional peer when a command needs it.
 *
 * @throws StorageError `not_supported` with the command that installs it.
 */
export async function loadOptional<T>(command: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (isInstalled(name)) throw cause;
    throw new StorageError({
      code: "not_supported",
      op: command,
      message: `parquetry ${command} needs ${name}, which is not installed. Run: npm install parquetry (it includes ${name}), or npm install ${name} next to @parquetry/migrate-cli.`,
      cause,
    });
  }
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
