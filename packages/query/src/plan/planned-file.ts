import type { Key } from "@parquetry/core";
import type { StorageBackend } from "@parquetry/core/backend";
import type { ScanPlan } from "./scan-plan.ts";

/** A file that a query would read. */
export interface PlannedFile {
  /** The entity, such as `raw/plays`. */
  readonly entity: Key;
  /** The absolute path, or `s3://bucket/key`, also for R2: other engines know it by that protocol. */
  readonly path: string;
  /** The key in the store. */
  readonly key: Key;
  /** The size in bytes. */
  readonly sizeBytes: number;
  /** The keys and values of its partition. A value is a string, as in the folder's name, or null. */
  readonly partition: Readonly<Record<string, string | null>>;
}

/** The files of a plan, table by table and in the order of their keys. */
export function plannedFiles({ tables }: ScanPlan, backend: StorageBackend): readonly PlannedFile[] {
  return tables.flatMap(({ table, files }) =>
    files.map(({ file: { info }, entries }) => ({
      entity: table.facts.entity,
      path: backend.url(info.key).replace(/^r2:/, "s3:"),
      key: info.key,
      sizeBytes: info.sizeBytes,
      partition: Object.fromEntries(entries),
    })),
  );
}
