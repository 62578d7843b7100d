import type { StorageError } from "@parquetry/core/backend";
import { formatBytes, formatCounted, formatDuration } from "../terminal/format-amount.ts";
import {
  createProgressMeter,
  formatProgress,
  LIVE_INTERVAL_MS,
  PLAIN_INTERVAL_MS,
  type ProgressEvent,
  type ProgressSnapshot,
} from "../terminal/progress-meter.ts";
import type { CommandContext } from "./command-context.ts";

/** The progress that is shown. */
export interface ProgressDisplay extends Disposable {
  /** Takes an event. */
  take(event: ProgressEvent): void;
  /** Takes a repeated request to a store, which counts as a retry. */
  takeRetry(error: StorageError): void;
  /** The number of retries so far. */
  retries(): number;
  /** The progress now. */
  snapshot(): ProgressSnapshot;
}

/**
 * Shows the progress of a run until it is disposed: a live line on a terminal, a plain one every 10 s elsewhere, JSON lines
 * with `--json`, nothing with `--quiet`. Failures are printed as they happen.
 */
export function showProgress(context: CommandContext): ProgressDisplay {
  const { terminal, json, quiet, verbose } = context;
  const meter = createProgressMeter();
  const live = terminal.live && !json && !quiet;
  const tick = (): void => {
    const snapshot = meter.snapshot();
    if (json) context.emit("progress", { ...snapshot });
    else if (live) terminal.status(formatProgress(snapshot).slice(0, terminal.columns - 1));
    else context.note(formatProgress(snapshot));
  };
  const timer =
    quiet && !json ? undefined : setInterval(tick, live ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS).unref();
  const take: ProgressDisplay["take"] = (event) => {
    const isFirstOfEnd = event.type === "finishing" && meter.snapshot().finishing === undefined;
    meter.take(event);
    // Also with --quiet, since someone has pressed Ctrl-C and waits. The live line keeps the figures up to date.
    if (isFirstOfEnd) {
      if (json) tick();
      terminal.tell(formatProgress(meter.snapshot()));
    }
    if (event.type === "failed") {
      context.emit("failed", { key: event.key, code: event.code, message: event.message });
      if (!json) terminal.tell(`${terminal.mark("red", "failed:")} ${event.message}`);
    } else if (event.type === "retry") {
      context.emit("retry", { key: event.key, message: event.message });
      if (verbose) context.note(`retrying: ${event.message}`);
    } else if (event.type === "resumed") {
      context.emit("upload", { key: event.key, action: "resumed", parts: event.parts });
      context.note(
        `resuming the upload of ${event.key}: ${formatCounted(event.parts, "part")} ${event.parts === 1 ? "is" : "are"} already there`,
      );
    } else if (event.type === "ended") {
      context.emit("upload", { key: event.key, action: "ended" });
      context.note(`aborted an upload of an earlier run that is no longer needed: ${event.key}`);
    } else if (event.type === "copied" && verbose) {
      context.emit("copied", {
        key: event.key,
        sizeBytes: event.sizeBytes,
        durationMs: Math.round(event.durationMs),
      });
      context.note(
        `copied ${event.key} (${formatBytes(event.sizeBytes)}, ${formatDuration(event.durationMs)})`,
      );
    }
  };
  return {
    take,
    takeRetry: ({ path, message }) => take({ type: "retry", key: path ?? "", message }),
    retries: () => meter.snapshot().retries,
    snapshot: () => meter.snapshot(),
    [Symbol.dispose]() {
      clearInterval(timer);
      terminal.status("");
    },
  };
}
