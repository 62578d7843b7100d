import type { SkippedEntry } from "@parquetry/core/unstable";
import { isLost } from "../plan/list-ends.ts";
import { topFolder } from "../plan/tally.ts";
import type { FolderParity } from "../verify/folder-parity.ts";

/** A list of names that a report holds. */
export interface ReportList {
  /** The file it is written to, in the report's folder: `missing.txt`. */
  readonly file: string;
  /** The title of the list. */
  readonly title: string;
  /** The number of names. */
  readonly count: number;
  /** The names, one per line. */
  readonly lines: AsyncIterable<string>;
}

/** One figure of a report. */
export interface ReportFigure {
  /** Its label. */
  readonly label: string;
  /** The formatted figure. */
  readonly value: string;
}

/** The costs in a report. */
export interface ReportCost {
  /** The month of the prices. */
  readonly pricesOf: string;
  /** The providers, the one that is used first. */
  readonly providers: readonly string[];
  /** A purpose, and its formatted price at each provider. */
  readonly rows: readonly (readonly [what: string, ...prices: string[]])[];
}

/** The content of a report, for any command. */
export interface ReportModel {
  /** The command: `migrate` or `verify`. */
  readonly command: string;
  /** The outcome in one sentence. */
  readonly headline: string;
  /** Whether everything is equal. */
  readonly ok: boolean;
  /** The URL of the source. */
  readonly from: string;
  /** The URL of the target. */
  readonly to: string;
  /** When the command ended. */
  readonly finishedAt: Date;
  /** Parity by top-level folder. */
  readonly folders: readonly FolderParity[];
  /** The number of files without a usable name by top-level folder. They are in no other number of the folder. */
  readonly lost: ReadonlyMap<string, number>;
  /** Figures, in the order shown. */
  readonly figures: readonly ReportFigure[];
  /** The lists. */
  readonly lists: readonly ReportList[];
  /** The files that took longest: name, formatted size and time. */
  readonly slowest: readonly (readonly [key: string, size: string, time: string])[];
  /** The costs. Absent if both ends are disks. */
  readonly cost?: ReportCost | undefined;
  /** The summary, as `--json` prints it last. */
  readonly summary: Readonly<Record<string, unknown>>;
}

/** Counts the files without a usable name by top-level folder. */
export async function countLost(entries: AsyncIterable<SkippedEntry>): Promise<ReadonlyMap<string, number>> {
  const lost = new Map<string, number>();
  for await (const entry of entries) {
    const folder = topFolder(entry.path);
    if (isLost(entry)) lost.set(folder, (lost.get(folder) ?? 0) + 1);
  }
  return lost;
}
