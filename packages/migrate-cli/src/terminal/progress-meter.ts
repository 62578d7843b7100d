import type { Side } from "../proof/decide.ts";
import type { MigrationProgress } from "../run/run-migration.ts";
import type { Unfinished } from "../run/under-way.ts";
import type { VerifyProgress } from "../verify/verify-migration.ts";
import {
  formatBytes,
  formatBytesOf,
  formatCount,
  formatCounted,
  formatDuration,
  formatFiles,
} from "./format-amount.ts";

/** The interval at which a live line is redrawn, in milliseconds. */
export const LIVE_INTERVAL_MS = 100;
/** The interval of plain progress lines without a terminal, in milliseconds. */
export const PLAIN_INTERVAL_MS = 10_000;

/** The progress of a run. */
export interface ProgressSnapshot {
  /**
   * The phase: `listing`, in which found files may already be read; `reading`, after the listing is complete; `copying`;
   * `finishing`, after Ctrl-C.
   */
  readonly phase: "listing" | "reading" | "copying" | "finishing";
  /** Files listed, read for comparing, or copied and failed. */
  readonly files: number;
  /** The total number of files, once known. */
  readonly filesTotal: number | undefined;
  /** Bytes read for comparing, or copied. */
  readonly bytes: number;
  /** The total number of bytes, once known. */
  readonly bytesTotal: number | undefined;
  /** Bytes to read that the listing has found so far, until it is complete. */
  readonly bytesFound: number | undefined;
  /** Bytes per second, over the last seconds. */
  readonly bytesPerSecond: number;
  /** Files per second, over the last seconds. */
  readonly filesPerSecond: number;
  /** The estimated remaining time, in milliseconds, if known. */
  readonly etaMs: number | undefined;
  /** The number of retries. */
  readonly retries: number;
  /** The number of failed files. */
  readonly errors: number;
  /** The parts to finish before the run stops; present in the phase `finishing`, where `etaMs` is the time for them. */
  readonly finishing?: Unfinished | undefined;
}

/** An event that a {@link ProgressMeter} takes. */
export type ProgressEvent = MigrationProgress | VerifyProgress;

/** Computes the progress of a run from its events. */
export interface ProgressMeter {
  /** Takes an event. */
  take(event: ProgressEvent): void;
  /** Returns the progress now. */
  snapshot(): ProgressSnapshot;
}

/** The window over which the rate is computed, in milliseconds. */
const WINDOW_MS = 5_000;

/**
 * Makes a {@link ProgressMeter}.
 *
 * @param now milliseconds since some moment. Default: the process's clock.
 */
export function createProgressMeter(now: () => number = () => performance.now()): ProgressMeter {
  let phase: ProgressSnapshot["phase"] = "listing";
  /** The sides are listed in step, so the longer one is the progress. */
  const listed: Record<Side, number> = { source: 0, target: 0 };
  const toRead = { files: 0, bytes: 0 };
  let files = 0;
  let bytes = 0;
  let retries = 0;
  let errors = 0;
  let filesTotal: number | undefined;
  let bytesTotal: number | undefined;
  let copyingSince = now();
  /** The finished work at one moment, and the rate until then. */
  let finishing: { readonly left: Unfinished; readonly at: number; readonly bytesPerMs: number } | undefined;
  const samples: { at: number; files: number; bytes: number }[] = [{ at: now(), files: 0, bytes: 0 }];

  const counted = (): number => (phase === "listing" ? Math.max(listed.source, listed.target) : files);
  const rates = (): Pick<ProgressSnapshot, "filesPerSecond" | "bytesPerSecond"> => {
    const at = now();
    const last = samples.at(-1);
    if (last === undefined || at - last.at >= LIVE_INTERVAL_MS) samples.push({ at, files: counted(), bytes });
    while (samples.length > 2 && at - (samples[0]?.at ?? at) > WINDOW_MS) samples.shift();
    const first = samples[0];
    if (first === undefined || at <= first.at) return { filesPerSecond: 0, bytesPerSecond: 0 };
    const perSecond = (amount: number): number => Math.max(0, (amount / (at - first.at)) * 1000);
    return {
      filesPerSecond: perSecond(counted() - first.files),
      bytesPerSecond: perSecond(bytes - first.bytes),
    };
  };

  return {
    take(event) {
      if (event.type === "listed") listed[event.side] += event.objects;
      else if (event.type === "toRead") {
        toRead.files += event.files;
        toRead.bytes += event.bytes;
      } else if (event.type === "listedAll") {
        if (toRead.files === 0) return;
        phase = "reading";
        // From now on files that were read are counted, not those that were listed.
        for (const sample of samples) sample.files = files;
        filesTotal = toRead.files;
        bytesTotal = toRead.bytes;
      } else if (event.type === "compared") {
        files++;
        if (event.failure !== undefined) errors++;
      } else if (event.type === "read" || event.type === "bytes") bytes += event.bytes;
      else if (event.type === "planned") {
        const { copy, overwrite } = event.plan.total;
        phase = "copying";
        copyingSince = now();
        files = 0;
        bytes = 0;
        filesTotal = copy.files + overwrite.files;
        bytesTotal = copy.bytes + overwrite.bytes;
        samples.splice(0, samples.length, { at: now(), files: 0, bytes: 0 });
      } else if (event.type === "copied") files++;
      else if (event.type === "finishing") {
        const { files, parts, bytes: bytesLeft, restarting } = event;
        phase = "finishing";
        // Bytes that were read ahead have not been sent yet.
        const bytesPerMs =
          finishing?.bytesPerMs ?? Math.max(0, bytes - bytesLeft) / Math.max(1, now() - copyingSince);
        finishing = { left: { files, parts, bytes: bytesLeft, restarting }, at: now(), bytesPerMs };
      } else if (event.type === "retry") retries++;
      else if (event.type === "failed") {
        files++;
        errors++;
      }
    },
    snapshot() {
      const { filesPerSecond, bytesPerSecond } = rates();
      const left = bytesTotal === undefined ? undefined : Math.max(0, bytesTotal - bytes);
      const etaMs =
        finishing !== undefined
          ? finishEtaMs(finishing, now())
          : left === undefined || bytesPerSecond === 0
            ? undefined
            : Math.round((left / bytesPerSecond) * 1000);
      return {
        phase,
        files: counted(),
        filesTotal,
        bytes,
        bytesTotal,
        bytesFound: phase === "listing" && toRead.bytes > 0 ? toRead.bytes : undefined,
        bytesPerSecond,
        filesPerSecond,
        etaMs,
        retries,
        errors,
        ...(finishing === undefined ? {} : { finishing: finishing.left }),
      };
    },
  };
}

function finishEtaMs(
  { left, at, bytesPerMs }: { readonly left: Unfinished; readonly at: number; readonly bytesPerMs: number },
  now: number,
): number | undefined {
  if (bytesPerMs === 0) return undefined;
  return Math.max(0, Math.round(left.bytes / bytesPerMs - (now - at)));
}

/** The work left after Ctrl-C, as one line. */
function formatFinishing({ files, parts, bytes, restarting }: Unfinished, etaMs: number | undefined): string {
  const what = [
    ...(files === 0 ? [] : [formatFiles(files)]),
    ...(parts === 0 ? [] : [formatCounted(parts, "part")]),
  ].join(" and ");
  const about = etaMs === undefined ? "" : `, about ${formatDuration(Math.max(1000, etaMs))}`;
  return [
    what === "" ? "stopping" : `finishing ${what}, ${formatBytes(bytes)}${about}`,
    ...(restarting === 0 ? [] : [`${formatFiles(restarting)} cut off, copied again by the next run`]),
    "Ctrl-C again stops at once",
  ].join("; ");
}

/**
 * A snapshot as one line.
 *
 * @example
 * ```ts
 * formatProgress(snapshot); // "1,200/5,300 files  0.5/2.3 GB  45.2 MB/s  ETA 0:40  retries 0  errors 0"
 * ```
 */
export function formatProgress(snapshot: ProgressSnapshot): string {
  const { phase, files, filesTotal, bytes, bytesTotal, bytesFound } = snapshot;
  const { bytesPerSecond, etaMs, retries, errors, finishing } = snapshot;
  if (finishing !== undefined) return formatFinishing(finishing, etaMs);
  if (phase === "listing") {
    const rate = `(${formatBytes(bytesPerSecond)}/s)`;
    const read =
      bytesFound !== undefined
        ? `, ${formatBytes(bytes)} of at least ${formatBytes(Math.max(bytes, bytesFound))} read ${rate}`
        : bytes > 0
          ? `, ${formatBytes(bytes)} read to compare ${rate}`
          : "";
    const again = retries > 0 ? `, retries ${formatCount(retries)}` : "";
    return `listing: ${formatFiles(files)}${read}${again}`;
  }
  return [
    `${formatCount(files)}/${formatFiles(filesTotal ?? files)}`,
    formatBytesOf(bytes, Math.max(bytes, bytesTotal ?? bytes)),
    `${formatBytes(bytesPerSecond)}/s`,
    `ETA ${etaMs === undefined ? "-" : formatDuration(etaMs)}`,
    `retries ${formatCount(retries)}`,
    `errors ${formatCount(errors)}`,
  ].join("  ");
}
