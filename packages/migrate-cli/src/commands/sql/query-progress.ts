import type { QueryProgress } from "@parquetry/query";
import {
  formatBytesOf,
  formatCount,
  formatCounted,
  formatDuration,
  formatFiles,
} from "../../terminal/format-amount.ts";
import { LIVE_INTERVAL_MS } from "../../terminal/progress-meter.ts";
import type { CommandContext } from "../command-context.ts";

/** A query that answers sooner shows no progress. */
const PATIENCE_MS = 500;

/** Shows on a terminal how far a query is, until it is disposed. */
export function showQueryProgress({ terminal, json, quiet }: CommandContext): Disposable & {
  take(progress: QueryProgress): void;
} {
  let latest: QueryProgress = { phase: "planning", listRequests: 0 };
  const startedAt = performance.now();
  const draw = (): void => {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs > PATIENCE_MS)
      terminal.status(`${describe(latest)}  ${formatDuration(elapsedMs)}`.slice(0, terminal.columns - 1));
  };
  const timer = terminal.live && !json && !quiet ? setInterval(draw, LIVE_INTERVAL_MS).unref() : undefined;
  return {
    take(progress) {
      latest = progress;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      terminal.status("");
    },
  };
}

function describe(progress: QueryProgress): string {
  switch (progress.phase) {
    case "planning":
      return `planning: ${formatCounted(progress.listRequests, "list request")}`;
    case "fetching": {
      const { files, totalFiles, bytes, totalBytes } = progress;
      return `downloading: ${formatCount(files)}/${formatFiles(totalFiles)}  ${formatBytesOf(bytes, totalBytes)}`;
    }
    case "running":
      return "running";
  }
}
