import { DeleteObjectCommand, DeleteObjectsCommand } from "@aws-sdk/client-s3";
import { type DeleteResult, isStorageError, type Key, type OperationOptions } from "@parquetry/core";
import type { S3Connection } from "./s3-connection.ts";

/** Deletes keys in batches as large as the store takes, each key with its own result. */
export async function* s3Delete(
  connection: S3Connection,
  keys: Iterable<Key> | AsyncIterable<Key>,
  options: OperationOptions = {},
): AsyncGenerator<DeleteResult> {
  let batch: Key[] = [];
  for await (const key of keys) {
    batch.push(key);
    if (batch.length < connection.profile.deleteBatchSize) continue;
    yield* await deleteBatch(connection, batch, options.signal);
    batch = [];
  }
  if (batch.length > 0) yield* await deleteBatch(connection, batch, options.signal);
}

async function deleteBatch(
  connection: S3Connection,
  keys: readonly Key[],
  signal: AbortSignal | undefined,
): Promise<readonly DeleteResult[]> {
  const [only] = keys;
  if (only !== undefined && keys.length === 1) return [await deleteOne(connection, only, signal)];
  try {
    const { Errors = [] } = await connection.send("delete", "", signal, (client, abort) =>
      client.send(
        new DeleteObjectsCommand({
          Bucket: connection.bucket,
          Delete: { Objects: keys.map((key) => ({ Key: key })), Quiet: true },
        }),
        abort,
      ),
    );
    const failed = new Map(Errors.map((error) => [error.Key, error]));
    return keys.map((key) => {
      const error = failed.get(key);
      if (error === undefined || error.Code === "NoSuchKey") return { key };
      const failure = Object.assign(new Error(error.Message ?? ""), { name: error.Code ?? "" });
      return { key, error: connection.explain(failure, "delete", key, signal) };
    });
  } catch (error) {
    if (!isStorageError(error, "not_supported")) throw error;
    const results: DeleteResult[] = [];
    for (const key of keys) results.push(await deleteOne(connection, key, signal));
    return results;
  }
}

async function deleteOne(
  connection: S3Connection,
  key: Key,
  signal: AbortSignal | undefined,
): Promise<DeleteResult> {
  try {
    await connection.send("delete", key, signal, (client, abort) =>
      client.send(new DeleteObjectCommand({ Bucket: connection.bucket, Key: key }), abort),
    );
    return { key };
  } catch (error) {
    if (!isStorageError(error) || error.code === "aborted") throw error;
    return isStorageError(error, "not_found") && !error.message.includes("NoSuchBucket")
      ? { key }
      : { key, error };
  }
}
