import type { Partition, PartitionFolder } from "@parquetry/core";
import { walkPartitions } from "@parquetry/core";
import type { CandidateTable, PruneResult } from "../duckdb/duckdb.ts";
import { checkKeyTypes, type DeclaredTypes } from "../tables/key-types.ts";
import type { ListingMemory } from "../tables/listing-memory.ts";
import type { TableFacts } from "../tables/table-facts.ts";

/** What was chosen at one level of an entity. */
export interface LevelChoice {
  /** The key of that level. */
  readonly key: string;
  /** Partitions that go on. */
  readonly kept: number;
  /** Partitions there were to choose from: those below what the level above kept. */
  readonly total: number;
}

/** The partitions of a table that a query reads. */
export interface ChosenPartitions {
  /** The folders. */
  readonly folders: readonly PartitionFolder[];
  /** What was chosen, level by level; levels that no predicate looks at are not here. */
  readonly levels: readonly LevelChoice[];
}

/** What {@link choosePartitions} works with. */
export interface ChooseOptions {
  /** Asks the engine which candidates the query can need. */
  readonly prune: (tables: readonly CandidateTable[]) => Promise<PruneResult>;
  readonly listing: ListingMemory;
  readonly hiveTypes: DeclaredTypes;
  readonly signal?: AbortSignal | undefined;
  /** The keys that the query filters by; none chooses everything. */
  readonly filterKeys: ReadonlySet<string>;
  /** All tables of the query, this one among them, none with candidates. */
  readonly tables: readonly CandidateTable[];
}

/**
 * Walks an entity level by level. The engine is asked which partitions of a level the query can need before anything below
 * them is listed; where it cannot say, all go on.
 */
export async function choosePartitions(facts: TableFacts, options: ChooseOptions): Promise<ChosenPartitions> {
  const { filterKeys, signal } = options;
  const levels: LevelChoice[] = [];
  const prune = async (level: readonly Partition[]): Promise<readonly boolean[]> => {
    const candidates = level.map(({ entries }) => entries);
    checkKeyTypes(facts.entity, facts.keys, options.hiveTypes, candidates);
    if (candidates.length === 0) return [];
    const keys = [...new Set(candidates.map((entries) => entries.at(-1)?.[0] ?? ""))];
    const isFiltered = candidates[0]?.some(([key]) => filterKeys.has(key)) === true;
    const kept = isFiltered ? await keptOf(candidates) : undefined;
    const keep = kept ?? candidates.map(() => true);
    if (isFiltered) {
      levels.push({ key: keys.join("/"), kept: keep.filter(Boolean).length, total: keep.length });
    }
    return keep;
  };
  const keptOf = async (
    candidates: CandidateTable["candidates"],
  ): Promise<readonly boolean[] | undefined> => {
    // Keys that no filter looks at would only make more candidates of what the engine decides once.
    const looked = candidates?.map((entries) => entries.filter(([key]) => filterKeys.has(key)));
    const tables = options.tables.map((table) =>
      table.entity === facts.entity ? { ...table, candidates: looked } : table,
    );
    const result = await options.prune(tables);
    return result.outcome === "pruned" ? result.kept.get(facts.entity) : undefined;
  };

  const tree = await walkPartitions(options.listing.backend, facts.entity, {
    signal,
    ...(filterKeys.size === 0 ? {} : { prune, pruneKeys: filterKeys }),
  });
  checkKeyTypes(
    facts.entity,
    facts.keys,
    options.hiveTypes,
    tree.folders.map(({ partition }) => partition.entries),
  );
  return { folders: tree.folders, levels };
}
