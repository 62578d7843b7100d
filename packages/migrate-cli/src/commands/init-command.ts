import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { StorageError } from "@parquetry/core/backend";
import { ENV_TEMPLATE } from "../env-template.ts";
import { whyNot } from "../terminal/why-not.ts";
import type { CommandContext } from "./command-context.ts";

/**
 * `parquetry init [file]`: writes the template of variables to a file that does not exist yet.
 *
 * @throws StorageError `already_exists`.
 */
export async function initCommand(context: CommandContext, _flags: object, file = ".env"): Promise<number> {
  const path = resolve(context.cwd, file);
  try {
    // Readable by its owner only, because it will hold secrets.
    await writeFile(path, ENV_TEMPLATE, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    throw new StorageError({
      code: exists ? "already_exists" : "invalid_argument",
      op: "init",
      path,
      message: exists
        ? `${path} already exists and was not changed. Edit it, or give another file: parquetry init FILE.`
        : `${path} cannot be written: ${whyNot(error)}.`,
    });
  }
  context.emit("summary", { exitCode: 0, path });
  if (!context.json) context.terminal.print(`Wrote ${path}`);
  context.note("Fill it in, then run: parquetry doctor");
  return 0;
}
