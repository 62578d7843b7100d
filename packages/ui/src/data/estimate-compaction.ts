import type { QueryDatabase } from "@parquetry/query";
import type { CompactionEstimate } from "../answers.ts";

/** Reports what `compact` would do, and writes nothing. */
export async function estimateCompaction(
  database: QueryDatabase,
  entity: string,
  options: { readonly signal: AbortSignal },
): Promise<CompactionEstimate> {
  const { compacted, skipped, failed } = await database.compact(entity, { ...options, dryRun: true });
  const unchanged = new Map<string, number>();
  for (const { reason } of skipped) unchanged.set(reason, (unchanged.get(reason) ?? 0) + 1);
  return {
    partitions: compacted.length,
    files: compacted.reduce((sum, { filesBefore }) => sum + filesBefore, 0),
    bytes: compacted.reduce((sum, { bytesBefore }) => sum + bytesBefore, 0),
    unchanged: [...unchanged].map(([reason, partitions]) => ({ reason, partitions })),
    problems: failed.map(({ error }) => error.message),
  };
}
