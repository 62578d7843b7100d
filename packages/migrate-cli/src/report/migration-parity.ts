import type { MigrationPlan, PlanKind } from "../plan/migration-plan.ts";
import type { MigrationResult } from "../run/migration-result.ts";
import type { FolderParity } from "../verify/folder-parity.ts";

/** The kinds of a plan that count files of the source. */
const AT_SOURCE: readonly PlanKind[] = [
  "copy",
  "skip",
  "overwrite",
  "differs",
  "unverifiable",
  "refused",
  "failed",
];

/**
 * Returns how each folder compares after a migration, from its plan and its result.
 *
 * @example
 * ```ts
 * for (const folder of migrationParity(result)) console.log(formatParity(folder));
 * ```
 */
export function migrationParity(
  result: Pick<MigrationResult, "folders"> & { readonly plan: Pick<MigrationPlan, "folders"> },
): readonly FolderParity[] {
  const done = new Map(result.folders.map(({ folder, row }) => [folder, row]));
  const parity = result.plan.folders.map(({ folder, row }) => {
    const created = done.get(folder)?.created.files ?? 0;
    const replaced = done.get(folder)?.replaced.files ?? 0;
    const there =
      row.skip.files + row.overwrite.files + row.differs.files + row.unverifiable.files + row.failed.files;
    const { unseen, unreadable } = row;
    return {
      folder,
      source: there + row.copy.files + row.refused.files,
      bytes: AT_SOURCE.reduce((sum, kind) => sum + row[kind].bytes, 0),
      target: there + created + row.extra.files + unseen.files,
      missing: row.copy.files - created + row.refused.files,
      extra: row.extra.files,
      differing: row.differs.files + row.overwrite.files - replaced,
      unverifiable: row.unverifiable.files + row.failed.files + unseen.files + unreadable.files,
    };
  });
  // A folder whose files are all left out has nothing to compare.
  return parity.filter(({ source, target, unverifiable }) => source + target + unverifiable > 0);
}
