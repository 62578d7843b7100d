import { randomUUID } from "node:crypto";
import { isStorageError, type Key, type PutResult } from "@parquetry/core/backend";
import { type Preconditions, retryOperation } from "@parquetry/core/unstable";
import { headObject, metadataOf } from "./object-headers.ts";
import type { S3Connection } from "./s3-connection.ts";

/** The user metadata that names a write. */
const WRITE_ID = "x-amz-meta-parquetry-write";
/** The user metadata that names the version which a conditional write replaced. */
const REPLACES = "x-amz-meta-parquetry-replaces";
/** What a write that created its object replaced. */
const NOTHING = "nothing";

/** Who wrote an object, and over what: by this, a write whose answer was lost is told from everybody else's. */
export interface WriteLineage {
  /** Goes with the object as user metadata. */
  readonly headers: Readonly<Record<string, string>>;
  readonly id: string;
  readonly replaces: string | undefined;
}

/** A new write. */
export function writeLineage(
  { ifMatch, ifNoneMatch }: Preconditions,
  id: string = randomUUID(),
): WriteLineage {
  const replaces = ifMatch ?? (ifNoneMatch === undefined ? undefined : NOTHING);
  return {
    id,
    replaces,
    headers: replaces === undefined ? { [WRITE_ID]: id } : { [WRITE_ID]: id, [REPLACES]: replaces },
  };
}

/**
 * What lies at a key after a doubtful write.
 *
 * - `own`: this write. It happened.
 * - `beaten`: a write that replaced the very version this one was to replace. This one cannot have happened.
 * - `unchanged`: what lay there before, or nothing still. It has not happened yet.
 * - `other`: something else: this write may have happened and been replaced since.
 */
export type Standing =
  | { readonly is: "own"; readonly result: PutResult }
  | { readonly is: "beaten" | "unchanged" | "other" };

/**
 * Asks the store whose the object is, as often as the retry policy allows.
 *
 * @throws StorageError where the store cannot be asked.
 */
export async function standingOf(
  connection: S3Connection,
  key: Key,
  lineage: WriteLineage,
  signal: AbortSignal | undefined,
): Promise<Standing> {
  const { profile, retry } = connection;
  try {
    const { info, headers } = await retryOperation(retry, profile.name, signal, key, () =>
      headObject(connection, key, { op: "put", path: key, signal }),
    );
    const { etag, sizeBytes } = info;
    if (metadataOf(headers, WRITE_ID) === lineage.id) return { is: "own", result: { etag, sizeBytes } };
    if (lineage.replaces === undefined) return { is: "other" };
    if (etag === lineage.replaces) return { is: "unchanged" };
    return { is: metadataOf(headers, REPLACES) === lineage.replaces ? "beaten" : "other" };
  } catch (error) {
    if (!isStorageError(error, "not_found")) throw error;
    return { is: lineage.replaces === NOTHING ? "unchanged" : "other" };
  }
}
