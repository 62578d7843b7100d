import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { StorageError } from "@parquetry/core/backend";
import type { CommandContext } from "./command-context.ts";

const PACKAGE = "@parquetry/query";
const EXECUTABLE = "parquetry-query";

/**
 * `parquetry query …`: hands everything to the `parquetry-query` executable, if it is installed beside this package, in
 * the project at the working directory, or on the PATH. This package does not depend on it: a database engine is large.
 *
 * @returns the executable's exit code.
 * @throws StorageError `not_supported` where it is not installed.
 */
export async function queryCommand(context: CommandContext, args: readonly string[]): Promise<number> {
  const executable = findExecutable(context);
  if (executable === undefined) {
    throw new StorageError({
      code: "not_supported",
      op: "query",
      message: `parquetry ${context.command} needs the package ${PACKAGE}, which is not installed. Install it beside this one: npm install ${PACKAGE}`,
    });
  }
  const [command = "", ...first] = executable;
  const child = spawn(command, [...first, ...args], {
    cwd: context.cwd,
    env: { ...context.env },
    stdio: "inherit",
  });
  // A Ctrl-C reaches both of us from the terminal; this is for a signal that was meant for this process alone.
  const stop = (): boolean => child.kill("SIGTERM");
  context.interrupt.abort.addEventListener("abort", stop);
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) =>
        resolve(code ?? (signal === "SIGINT" || signal === "SIGTERM" ? 130 : 1)),
      );
    });
  } finally {
    context.interrupt.abort.removeEventListener("abort", stop);
  }
}

/** The command that runs it, or undefined. */
function findExecutable({ cwd, env }: CommandContext): readonly string[] | undefined {
  for (const from of [join(cwd, "package.json"), import.meta.url]) {
    const script = findScript(from);
    if (script !== undefined) return [process.execPath, "--", script];
  }
  const names = process.platform === "win32" ? [`${EXECUTABLE}.cmd`, `${EXECUTABLE}.exe`] : [EXECUTABLE];
  for (const folder of (env["PATH"] ?? env["Path"] ?? "").split(delimiter)) {
    for (const name of names)
      if (folder !== "" && existsSync(join(folder, name))) return [join(folder, name)];
  }
  return undefined;
}

function findScript(from: string): string | undefined {
  try {
    const manifest = createRequire(from).resolve(`${PACKAGE}/package.json`);
    const { bin }: { readonly bin?: unknown } = JSON.parse(readFileSync(manifest, "utf8"));
    if (typeof bin !== "object" || bin === null || !(EXECUTABLE in bin)) return undefined;
    const script = join(dirname(manifest), String(bin[EXECUTABLE]));
    return existsSync(script) ? script : undefined;
  } catch {
    // Not installed there; the next place is tried.
    return undefined;
  }
}
