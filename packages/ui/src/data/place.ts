import type { Storage } from "@parquetry/core";
import { isStorageError } from "@parquetry/core";
import { listedInRanges } from "@parquetry/core/backend";
import { abortedError, unlessAborted, yieldIfDue } from "@parquetry/core/unstable";
import type { DriftReport, ListingState } from "../answers.ts";
import { fixedValues, gridOf } from "../map/grid.ts";
import { Background } from "./background.ts";
import { reportDrift } from "./drift-report.ts";
import { type TableSummary, TableTree } from "./table-tree.ts";

/** The largest tables that are inspected in the background. A bucket charges for requests, and CSV files are read whole. */
interface InspectionLimits {
  /** Partitions of one table, and of all tables together. */
  readonly partitions: number;
  readonly allPartitions: number;
  readonly csvBytes: number;
}
const LOCAL: InspectionLimits = { partitions: 5000, allPartitions: 20_000, csvBytes: 50_000_000 };
const REMOTE: InspectionLimits = { partitions: 200, allPartitions: 1000, csvBytes: 5_000_000 };

/** A storage whose objects are listed in the background, once, and again on demand. */
export class Place {
  readonly storage: Storage;
  #tree = new TableTree();
  #isDone = false;
  #isInspected = false;
  #error: string | undefined;
  readonly #background = new Background();
  readonly #inspecting = new Map<TableSummary, Promise<DriftReport>>();

  constructor(storage: Storage) {
    this.storage = storage;
    void this.refresh();
  }

  get tree(): TableTree {
    return this.#tree;
  }

  get state(): ListingState {
    return {
      isDone: this.#isDone,
      isInspected: this.#isInspected,
      objects: this.#tree.objects,
      error: this.#error,
    };
  }

  /** Lists the storage again. The old tables are shown until the new listing has begun. */
  refresh(): Promise<void> {
    return this.#background.restart((signal) => this.#list(signal));
  }

  /** Stops the listing. The storage stays open. */
  close(): Promise<void> {
    return this.#background.close();
  }

  async #list(signal: AbortSignal): Promise<void> {
    const tree = new TableTree();
    this.#tree = tree;
    this.#isDone = false;
    this.#isInspected = false;
    this.#error = undefined;
    const { backend } = this.storage;
    const unreadable: string[] = [];
    try {
      const listed = backend.name === "local" ? backend : listedInRanges(backend);
      for await (const page of listed.list({ signal, onUnreadable: ({ path }) => unreadable.push(path) })) {
        for (const object of page.objects) tree.add(object);
        await yieldIfDue();
      }
      if (unreadable.length > 0)
        this.#error = `${unreadable.length} folder${unreadable.length === 1 ? "" : "s"} could not be read, such as ${unreadable[0]}`;
    } catch (error) {
      if (!signal.aborted) this.#error = isStorageError(error) ? error.message : String(error);
    }
    this.#isDone = true;
    await this.#inspectSmall(tree, signal);
    this.#isInspected = true;
  }

  /** Finds the gaps of every table, and the rows and the drift of those that are inspected soon. */
  async #inspectSmall(tree: TableTree, signal: AbortSignal): Promise<void> {
    for (const table of tree.tables.values()) {
      table.gaps = gapsOf(table);
      await yieldIfDue();
    }
    const limits = this.storage.backend.name === "local" ? LOCAL : REMOTE;
    let left = limits.allPartitions;
    for (const table of tree.tables.values()) {
      const { size } = table.partitions;
      if (size > Math.min(left, limits.partitions) || table.csvBytes > limits.csvBytes) continue;
      left -= size;
      // Why a table cannot be inspected is shown where it is asked for.
      await this.inspect(table, signal).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  /** Reads the manifest or the footers of every partition, once for concurrent and for later calls. */
  async inspect(table: TableSummary, signal: AbortSignal): Promise<DriftReport> {
    if (table.report !== undefined) return table.report;
    const reading = this.#inspecting.get(table);
    if (reading === undefined) return this.#inspect(table, signal);
    try {
      return await unlessAborted(reading, signal);
    } catch (error) {
      if (signal.aborted) throw abortedError(signal, "inspect", table.entity, this.storage.backend.name);
      // The caller that it was read for has gone, but this one has not.
      if (!isStorageError(error, "aborted")) throw error;
      return this.inspect(table, signal);
    }
  }

  async #inspect(table: TableSummary, signal: AbortSignal): Promise<DriftReport> {
    const reading = reportDrift(this.storage, table.entity, { signal });
    this.#inspecting.set(table, reading);
    try {
      table.report = await reading;
      return table.report;
    } finally {
      this.#inspecting.delete(table);
    }
  }
}

/** The gaps of the map that is shown first. */
function gapsOf({ entity, keys, partitions }: TableSummary): number {
  const table = partitions.table(entity, keys, true);
  const grid = gridOf(table, fixedValues(table), { make: () => true, add: () => {} });
  return grid?.gaps ?? 0;
}
