import type { FolderParity } from "../verify/folder-parity.ts";

/** A list of names that a report holds. */
export interface ReportList {
  /** The file it is written to, in the report's folder: `missing.txt`. */
  readonly file: string;
  /** What the list means, for people. */
  readonly title: string;
  /** How many names there are. */
  readonly count: number;
  /** The names, one a line. */
  readonly lines: AsyncIterable<string>;
}

/** One figure of a report. */
export interface ReportFigure {
  /** What it is. */
  readonly label: string;
  /** The figure, for people. */
  readonly value: string;
}

/** What a report says of cost. */
export interface ReportCost {
  /** The month of the prices. */
  readonly pricesOf: string;
  /** The providers, the one that is used first. */
  readonly providers: readonly string[];
  /** What is paid for, and its price at each of the providers, for people. */
  readonly rows: readonly (readonly [what: string, ...prices: string[]])[];
}

/** What a report shows, whatever command wrote it. */
export interface ReportModel {
  /** The command: `migrate` or `verify`. */
  readonly command: string;
  /** The outcome in one sentence. */
  readonly headline: string;
  /** Whether all is well. */
  readonly ok: boolean;
  /** Where from, for people. */
  readonly from: string;
  /** Where to, for people. */
  readonly to: string;
  /** When the command ended. */
  readonly finishedAt: Date;
  /** Parity by top-level folder. */
  readonly folders: readonly FolderParity[];
  /** Figures, in the order shown. */
  readonly figures: readonly ReportFigure[];
  /** The lists. */
  readonly lists: readonly ReportList[];
  /** The files that took longest: name, size and time, for people. */
  readonly slowest: readonly (readonly [key: string, size: string, time: string])[];
  /** What it costs: a sentence and rows of a purpose and its price at each provider. Absent where nothing costs. */
  readonly cost?: ReportCost | undefined;
  /** The summary, as `--json` prints it last. */
  readonly summary: Readonly<Record<string, unknown>>;
}
