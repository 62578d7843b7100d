import type { StorageBackend } from "@parquetry/core";
import type { MigrationResult } from "../../src/run/migration-result.ts";
import { type MigrationOptions, runMigration } from "../../src/run/run-migration.ts";

/** Migrates and closes the result, whose figures remain. */
export const migrate = async (
  source: StorageBackend,
  target: StorageBackend,
  options?: MigrationOptions,
): Promise<MigrationResult> => {
  const result = await runMigration(source, target, options);
  result.close();
  return result;
};
