import { isStorageError } from "@parquetry/core";
import type { ComparedTable, ComparisonOverview, ComparisonTable, VerdictCounts } from "../answers.ts";
import type { ComparedFile, Comparison, FileVerdict } from "../comparison.ts";
import { Background } from "./background.ts";
import { PartitionStore } from "./partition-store.ts";
import { placeOf } from "./place-of.ts";

/** How many files that are not equal are kept by name. */
const NAMED_FILES = 100_000;
/** The name of the files that belong to no table. */
const NO_TABLE = "";

const VERDICTS = ["equal", "missing", "extra", "differing", "unverifiable"] as const satisfies FileVerdict[];

interface Table {
  readonly total: VerdictCounts;
  bytes: number;
  keys: readonly string[];
  readonly partitions: PartitionStore<FileVerdict>;
}

/** A comparison that runs in the background, once, and again on demand. It is kept as numbers of files for each partition. */
export class Comparing {
  readonly #comparison: Comparison;
  #tables = new Map<string, Table>();
  #unequal: ComparedFile[] = [];
  #files = 0;
  #isDone = false;
  #error: string | undefined;
  readonly #background = new Background();

  constructor(comparison: Comparison) {
    this.#comparison = comparison;
    void this.refresh();
  }

  /** The sums of all tables. */
  get overview(): ComparisonOverview {
    const { from, to } = this.#comparison;
    const tables = [...this.#tables].map(
      ([entity, { total, bytes }]): ComparedTable => ({ entity, total, bytes }),
    );
    return { from, to, isDone: this.#isDone, error: this.#error, files: this.#files, tables };
  }

  /** The partitions of a table. */
  table(entity: string): ComparisonTable | undefined {
    const table = this.#tables.get(entity);
    return table?.partitions.table(entity, table.keys, this.#isDone);
  }

  /** The first files that are not equal, below a folder. */
  unequal(
    folder: string,
    limit: number,
  ): { readonly files: readonly ComparedFile[]; readonly more: boolean } {
    const below = this.#unequal.filter(({ key }) => key.startsWith(`${folder}/`));
    return { files: below.slice(0, limit), more: below.length > limit };
  }

  /** Compares again. */
  refresh(): Promise<void> {
    return this.#background.restart((signal) => this.#run(signal));
  }

  /** Stops the comparison. */
  close(): Promise<void> {
    return this.#background.close();
  }

  async #run(signal: AbortSignal): Promise<void> {
    this.#tables = new Map();
    this.#unequal = [];
    this.#files = 0;
    this.#isDone = false;
    this.#error = undefined;
    try {
      await this.#comparison.run({ signal, onFile: (file) => this.#add(file) });
    } catch (error) {
      if (!signal.aborted) this.#error = isStorageError(error) ? error.message : String(error);
    }
    this.#isDone = true;
  }

  #add(file: ComparedFile): void {
    const place = placeOf(file.key);
    const table = this.#table(place?.entity ?? NO_TABLE);
    this.#files++;
    table.bytes += file.sizeBytes;
    table.total[file.verdict]++;
    if (file.verdict !== "equal" && this.#unequal.length < NAMED_FILES) this.#unequal.push(file);
    if (place?.keys === undefined) return;
    if (place.keys.length > table.keys.length) table.keys = place.keys;
    table.partitions.add(file.verdict, table.partitions.indexOf(place.folders), 1);
  }

  #table(entity: string): Table {
    let table = this.#tables.get(entity);
    if (table === undefined) {
      table = { total: noFiles(), bytes: 0, keys: [], partitions: new PartitionStore(VERDICTS) };
      this.#tables.set(entity, table);
    }
    return table;
  }
}

function noFiles(): VerdictCounts {
  return { equal: 0, missing: 0, extra: 0, differing: 0, unverifiable: 0 };
}
