import { access, constants, mkdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { type StorageBackend, StorageError } from "@parquetry/core/backend";
import { whyNot } from "../terminal/why-not.ts";
import type { CommandContext } from "./command-context.ts";

/**
 * Creates the folder of a report and checks that it can be written, before hours of work end without their report.
 *
 * @param ends what is copied or compared.
 * @throws StorageError `invalid_argument` if it cannot, if it is inside one of the ends, and with `--dry-run`, which has nothing to
 * report.
 */
export async function checkReportFolder(
  { cwd }: Pick<CommandContext, "cwd">,
  { report, dryRun }: { readonly report?: string; readonly dryRun?: boolean },
  ends: readonly StorageBackend[],
): Promise<void> {
  if (report === undefined) return;
  if (dryRun === true)
    throw badReport(
      `--report needs a run, so it cannot be combined with --dry-run. Use --json to list every file of a plan.`,
    );
  const folder = resolve(cwd, report);
  for (const end of ends) {
    if (end.name === "local" && (await isInside(folder, end.url())))
      throw badReport(
        `The report would be inside ${end.url()}, copied with the data, and then differ on both sides. Give a folder outside it: --report DIR.`,
      );
  }
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw badReport(`The report cannot be written to ${folder}: ${whyNot(error)}.`);
  }
}

/** Whether a folder, which need not exist, is a root or below it. */
async function isInside(folder: string, root: string): Promise<boolean> {
  const [first] = relative(await realPath(root), await realPath(folder)).split(sep);
  // On Windows, the way to another drive is that drive.
  return first !== ".." && first?.endsWith(":") !== true;
}

async function realPath(path: string): Promise<string> {
  return realpath(path).catch(async (error) => {
    if (dirname(path) === path) throw error;
    return join(await realPath(dirname(path)), basename(path));
  });
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
