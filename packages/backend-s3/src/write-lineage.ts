import { randomUUID } from "node:crypto";
import { isStorageError, type Key, type PutResult } from "@parquetry/core/backend";
import { type Preconditions, retryOperation } from "@parquetry/core/unstable";
import { headObject, metadataOf } from "./object-headers.ts";
import type { S3Connection } from "./s3-connection.ts";

/** The user metadata that identifies a write. */
const WRITE_ID = "x-amz-meta-parquetry-write";
/** The user metadata with the ETag of the version that a conditional write replaced. */
const REPLACES = "x-amz-meta-parquetry-replaces";
/** The value of {@link REPLACES} for a write that created the object. */
const NOTHING = "nothing";

/** Identifies a write and the version it replaced, so that it can be recognised after its answer was lost. */
export interface WriteLineage {
  /** Stored with the object as user metadata. */
  readonly headers: Readonly<Record<string, string>>;
  readonly id: string;
  readonly replaces: string | undefined;
}

/** Describes a new write. */
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
 * The object at a key after a write with an unknown outcome.
 *
 * - `own`: it was stored by this write, which has succeeded.
 * - `beaten`: another write replaced the version that this one was to replace, so this one cannot have succeeded.
 * - `unchanged`: it is the version from before the write, or there is none. The write has not happened yet.
 * - `other`: it is another version. This write may have succeeded and been replaced since.
 */
export type Standing =
  | { readonly is: "own"; readonly result: PutResult }
  | { readonly is: "beaten" | "unchanged" | "other" };

/**
 * Asks the store which write stored the object.
 *
 * @throws StorageError if the store cannot be reached within the retry policy.
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
