import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isOfKind, objectWith, ownerState } from "@parquetry/core/unstable";
import type { RunStatus } from "@parquetry/ui";

/** A run that has not written for this long is taken to be killed, if its process cannot be checked; in milliseconds. */
const SILENT_MS = 60_000;
/** The name of a status file: the command, the process, and a random number. */
const STATUS_NAME = /^(?:migrate|verify)-[0-9a-f]{12}\.\d+\.\d+-[0-9a-f]{8}\.json$/;

const STATUS = objectWith("a status", {
  command: "string",
  from: "string",
  to: "string",
  state: "string",
  startedAt: "whole",
  updatedAt: "whole",
  phase: "string",
  files: "whole",
  bytes: "whole",
  retries: "whole",
  failed: "whole",
});

/** The folder of all status files. */
export function statusFolder(cacheFolder: string): string {
  return join(cacheFolder, "runs");
}

/** Reads the runs of this user, newest first. A running one whose process is gone is `killed`. */
export async function readStatuses(folder: string): Promise<readonly RunStatus[]> {
  const names = await readdir(folder).catch(() => []);
  const read = await Promise.all(
    names.filter((name) => STATUS_NAME.test(name)).map((name) => readStatus(folder, name)),
  );
  return read.filter((status) => status !== undefined).sort((a, b) => b.startedAt - a.startedAt);
}

/** Reads one file; undefined where it was removed in the meantime, or is of another version. */
async function readStatus(folder: string, name: string): Promise<RunStatus | undefined> {
  let status: RunStatus;
  try {
    // Checked below; the lists are made by the same command as the rest.
    status = JSON.parse(await readFile(join(folder, name), "utf8")) as RunStatus;
  } catch {
    return undefined;
  }
  const isKnown = isOfKind(STATUS, status) && status.version === 1;
  if (!isKnown || !Array.isArray(status.folders) || !Array.isArray(status.failures)) return undefined;
  return status.state === "running" && isGone(name, status.updatedAt)
    ? { ...status, id: name, state: "killed" }
    : { ...status, id: name };
}

function isGone(name: string, updatedAt: number): boolean {
  const owner = ownerState(name);
  return owner === "dead" || (owner === "unknown" && Date.now() - updatedAt > SILENT_MS);
}
