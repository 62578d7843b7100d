import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ownerState, processOwner } from "@parquetry/core/unstable";
import type { RunStatus } from "@parquetry/ui";
import { whyNot } from "../../terminal/why-not.ts";
import type { CommandContext } from "../command-context.ts";
import type { ProgressDisplay } from "../show-progress.ts";
import { readStatuses, statusFolder } from "./read-statuses.ts";
import { type RunEnds, StatusRecorder } from "./status-recorder.ts";

/** How often the file is written, in milliseconds. */
const INTERVAL_MS = 500;
/** How many files of ended runs are kept. */
const KEPT = 20;

/** The status of a run that is being recorded. */
export interface RecordedStatus {
  /** Like the display's; the status has the event, too. */
  readonly take: ProgressDisplay["take"];
  /** The run is over. */
  end(outcome: NonNullable<RunStatus["outcome"]>): void;
}

/**
 * Runs something whose status `parquetry ui` can show: it is kept in a file, which is replaced as a whole twice a second and
 * remains when the run ends. A folder that cannot be written is a warning.
 */
export async function recordStatus<T>(
  context: Pick<CommandContext, "cacheFolder" | "warn">,
  progress: ProgressDisplay,
  ends: RunEnds,
  run: (status: RecordedStatus) => Promise<T>,
): Promise<T> {
  const folder = statusFolder(context.cacheFolder);
  const id = `${ends.command}-${processOwner()}-${randomBytes(4).toString("hex")}.json`;
  const recorder = new StatusRecorder(ends);
  let canWrite = true;
  const write = async (): Promise<void> => {
    if (!canWrite) return;
    const path = join(folder, id);
    try {
      await writeFile(`${path}.tmp`, JSON.stringify(recorder.status(id, progress.snapshot())), {
        mode: 0o600,
      });
      await rename(`${path}.tmp`, path);
    } catch (error) {
      canWrite = false;
      context.warn(
        `the status of this run cannot be written to ${folder}: ${whyNot(error)}; \`parquetry ui\` does not show it`,
      );
    }
  };
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {
    // Reported by the first write.
  });
  await removeOld(folder);
  let writing = write();
  const timer = setInterval(() => {
    writing = writing.then(write);
  }, INTERVAL_MS).unref();
  try {
    return await run({
      take(event) {
        progress.take(event);
        recorder.take(event);
      },
      end: (outcome) => recorder.end(outcome),
    });
  } catch (error) {
    recorder.fail(error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    clearInterval(timer);
    await writing;
    await write();
  }
}

/** Removes the oldest files of runs that have ended, and what killed writers left. */
async function removeOld(folder: string): Promise<void> {
  const ended = (await readStatuses(folder)).filter(({ state }) => state !== "running");
  const kept = new Set(ended.slice(0, KEPT - 1).map(({ id }) => id));
  const names = await readdir(folder).catch(() => []);
  const old = new Set(ended.map(({ id }) => id).filter((id) => !kept.has(id)));
  const isGone = (name: string): boolean =>
    old.has(name) || (name.endsWith(".tmp") && ownerState(name) === "dead");
  await Promise.all(
    names.filter(isGone).map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)),
  );
}
