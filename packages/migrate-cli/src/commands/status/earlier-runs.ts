import { isOfKind, objectWith } from "@parquetry/core/unstable";
import { readStatuses } from "./read-statuses.ts";
import type { RunEnds } from "./status-recorder.ts";

/** The files that the runs before this one copied, since the migration was last complete. */
export interface EarlierRuns {
  /** How many runs there were. */
  readonly runs: number;
  /** The files that they copied, and their size. */
  readonly files: number;
  readonly bytes: number;
  /** How long they took together, in milliseconds. */
  readonly durationMs: number;
  /** Whether one of them was killed: its last half second is not counted. */
  readonly atLeast: boolean;
}

const FOLDER = objectWith("a folder", { files: "whole", bytes: "whole" });

/**
 * Adds up the earlier runs of a migration: those with the same places and the same selection, back to the last one that left nothing
 * to do. Undefined if they copied nothing.
 */
export async function earlierRuns(folder: string, ends: RunEnds): Promise<EarlierRuns | undefined> {
  let earlier: EarlierRuns = { runs: 0, files: 0, bytes: 0, durationMs: 0, atLeast: false };
  for (const status of await readStatuses(folder)) {
    const { command, from, to, selection, state, outcome, startedAt, updatedAt, folders } = status;
    if (command !== ends.command || from !== ends.from || to !== ends.to || selection !== ends.selection)
      continue;
    if (outcome?.exitCode === 0) break;
    if (state === "running" || !folders.every((row) => isOfKind(FOLDER, row))) continue;
    const sum = (column: "files" | "bytes") => folders.reduce((total, row) => total + row[column], 0);
    if (sum("files") === 0) continue;
    earlier = {
      runs: earlier.runs + 1,
      files: earlier.files + sum("files"),
      bytes: earlier.bytes + sum("bytes"),
      durationMs: earlier.durationMs + Math.max(0, updatedAt - startedAt),
      atLeast: earlier.atLeast || state === "killed",
    };
  }
  return earlier.runs === 0 ? undefined : earlier;
}
