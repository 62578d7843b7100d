import type { Partition } from "@parquetry/core";
import { type PartitionFolder, walkPartitions } from "@parquetry/core/unstable/tables";
import type { CandidateTable } from "../duckdb/views/scan-table.ts";
import { checkKeyTypes } from "../tables/key-types.ts";
import { type NamedTable, type PlanContext, prune } from "./plan-context.ts";

/** The partitions that were chosen at one level of a table. */
export interface LevelChoice {
  /** The key of that level. */
  readonly key: string;
  /** Partitions that were kept. */
  readonly kept: number;
  /** Partitions to choose from: those below the ones that the level above kept. */
  readonly total: number;
}

/** The partitions of a table that a query reads. */
export interface ChosenPartitions {
  readonly folders: readonly PartitionFolder[];
  /** The choice at each level that a predicate looks at. */
  readonly levels: readonly LevelChoice[];
}

/**
 * Walks an entity level by level. DuckDB decides which partitions of a level the query can need before anything below them is
 * listed; if it cannot tell, all are kept.
 *
 * @param tables all tables of the query, this one included, none with candidates.
 * @param filterKeys the keys that the query filters by; if there are none, all partitions are chosen.
 */
export async function choosePartitions(
  context: PlanContext,
  { facts: { entity, keys }, declared: { hiveTypes } }: NamedTable,
  tables: readonly CandidateTable[],
  filterKeys: ReadonlySet<string>,
): Promise<ChosenPartitions> {
  const levels: LevelChoice[] = [];
  const keptOf = async (
    candidates: NonNullable<CandidateTable["candidates"]>,
  ): Promise<readonly boolean[] | undefined> => {
    // Keys that no filter looks at would only multiply candidates that DuckDB can decide once.
    const looked = candidates.map((entries) => entries.filter(([key]) => filterKeys.has(key)));
    const result = await prune(
      context,
      tables.map((table) => (table.entity === entity ? { ...table, candidates: looked } : table)),
    );
    return result.outcome === "pruned" ? result.kept.get(entity) : undefined;
  };
  const pruneLevel = async (level: readonly Partition[]): Promise<readonly boolean[]> => {
    const candidates = level.map(({ entries }) => entries);
    checkKeyTypes(entity, keys, hiveTypes, candidates);
    const isFiltered = candidates[0]?.some(([key]) => filterKeys.has(key)) === true;
    if (!isFiltered) return candidates.map(() => true);
    const keep = (await keptOf(candidates)) ?? candidates.map(() => true);
    const names = new Set(candidates.map((entries) => entries.at(-1)?.[0] ?? ""));
    levels.push({ key: [...names].join("/"), kept: keep.filter(Boolean).length, total: keep.length });
    return keep;
  };
  const { folders, strays } = await walkPartitions(context.listing, entity, {
    signal: context.signal,
    ...(filterKeys.size === 0 ? {} : { prune: pruneLevel, pruneKeys: filterKeys }),
  });
  if (strays.length > 0) context.onStrays(entity, strays);
  checkKeyTypes(
    entity,
    keys,
    hiveTypes,
    folders.map(({ partition }) => partition.entries),
  );
  return { folders, levels };
}
