import type { RunStatus } from "@parquetry/ui";
import { topFolder } from "../../plan/tally.ts";
import type { ProgressEvent, ProgressSnapshot } from "../../terminal/progress-meter.ts";

/** How many failures a status names. */
const NAMED_FAILURES = 100;

/** The two places, the name and the selection of a run. */
export type RunEnds = Pick<RunStatus, "command" | "from" | "to" | "selection">;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Turns the events of a migration or a verification into a {@link RunStatus}. */
export class StatusRecorder {
  readonly #ends: RunEnds;
  readonly #startedAt = Date.now();
  readonly #folders = new Map<string, Mutable<RunStatus["folders"][number]>>();
  readonly #failures: RunStatus["failures"][number][] = [];
  #end: Pick<RunStatus, "state" | "outcome" | "problem"> = { state: "running" };

  constructor(ends: RunEnds) {
    this.#ends = ends;
  }

  /** Takes an event. */
  take(event: ProgressEvent): void {
    if (event.type === "planned") {
      this.#folders.clear();
      for (const { folder, row } of event.plan.folders) {
        const filesTotal = row.copy.files + row.overwrite.files;
        const bytesTotal = row.copy.bytes + row.overwrite.bytes;
        if (filesTotal > 0)
          this.#folders.set(folder, { folder, files: 0, bytes: 0, filesTotal, bytesTotal, failed: 0 });
      }
    } else if (event.type === "copied" || event.type === "judged") {
      const folder = this.#folder(event.key);
      folder.files++;
      folder.bytes += event.sizeBytes;
    } else if (event.type === "failed") this.#fail(event);
    else if (event.type === "compared" && event.failure !== undefined) this.#fail(event.failure);
  }

  #fail({ key, code, message }: RunStatus["failures"][number]): void {
    this.#folder(key).failed++;
    if (this.#failures.length < NAMED_FAILURES) this.#failures.push({ key, code, message });
  }

  #folder(key: string): Mutable<RunStatus["folders"][number]> {
    const name = topFolder(key);
    let folder = this.#folders.get(name);
    if (folder === undefined) {
      folder = { folder: name, files: 0, bytes: 0, failed: 0 };
      this.#folders.set(name, folder);
    }
    return folder;
  }

  /** The run is over. */
  end(outcome: NonNullable<RunStatus["outcome"]>): void {
    this.#end = { state: "done", outcome };
  }

  /** The run has failed, unless it is over. */
  fail(problem: string): void {
    if (this.#end.state === "running") this.#end = { state: "failed", problem };
  }

  /** Returns the status now. */
  status(id: string, now: ProgressSnapshot): RunStatus {
    const { phase, files, filesTotal, bytes, bytesTotal, filesPerSecond, bytesPerSecond, etaMs } = now;
    return {
      version: 1,
      id,
      ...this.#ends,
      ...this.#end,
      startedAt: this.#startedAt,
      updatedAt: Date.now(),
      ...{ phase, files, filesTotal, bytes, bytesTotal, filesPerSecond, bytesPerSecond, etaMs },
      retries: now.retries,
      failed: now.errors,
      failures: this.#failures,
      folders: [...this.#folders.values()],
    };
  }
}
