import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { StorageError } from "@parquetry/core/backend";
import { whyNot } from "../terminal/why-not.ts";
import type { CommandContext } from "./command-context.ts";

/**
 * Creates the folder of a report and checks that it can be written, before hours of work end without their report.
 *
 * @throws StorageError `invalid_argument` if it cannot, and with `--dry-run`, which has nothing to report.
 */
export async function checkReportFolder(
  { cwd }: Pick<CommandContext, "cwd">,
  { report, dryRun }: { readonly report?: string; readonly dryRun?: boolean },
): Promise<void> {
  if (report === undefined) return;
  if (dryRun === true)
    throw badReport(
      `--report needs a run, so it cannot be combined with --dry-run. Use --json to list every file of a plan.`,
    );
  const folder = resolve(cwd, report);
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw badReport(`The report cannot be written to ${folder}: ${whyNot(error)}.`);
  }
}

/** Like `mkdir` with `recursive`, which never returns below a parent that accepts no folders, such as `/proc`. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((await stat(folder).catch(() => undefined))?.isDirectory()) return;
    const isOrphan = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isOrphan || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
}

function badReport(message: string): StorageError {
  return new StorageError({ code: "invalid_argument", op: "report", message });
}
