import type { QueryExplanation, TableStats } from "../database/query-result.ts";
import { type Choice, neededParts, type PlanContext } from "./scan-plan.ts";

/** Says what a choice of partitions reads. */
export async function explainChoice(
  { tables, unpruned }: Choice,
  { source, listing, query, pruneMs }: Pick<PlanContext, "source" | "listing" | "query" | "pruneMs">,
  started: number,
): Promise<QueryExplanation> {
  const stats = await Promise.all(
    tables.map(
      async ({ table, levels, folders, files }): Promise<TableStats> => ({
        table: table.names[0] ?? table.facts.entity,
        entity: table.facts.entity,
        levels,
        partitions: folders.length,
        files: files.length,
        bytes: files.reduce((sum, { file }) => sum + file.info.sizeBytes, 0),
        filesHere: await source.countHere(files, neededParts(query, table)),
      }),
    ),
  );
  return {
    tables: stats,
    listRequests: listing.requests(),
    unpruned,
    enoughRows: query.enoughRows === Number.POSITIVE_INFINITY ? undefined : query.enoughRows,
    pruneMs: pruneMs(),
    planMs: performance.now() - started,
  };
}
