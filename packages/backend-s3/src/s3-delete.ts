import { hash } from "node:crypto";
import { type DeleteResult, isStorageError, type Key, type OperationOptions } from "@parquetry/core/backend";
import { childText, escapeXml } from "./read-xml.ts";
import type { S3Connection } from "./s3-connection.ts";
import { S3Refusal } from "./s3-refusal.ts";

/** Deletes keys in the largest batches that the store accepts, with one result per key. */
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
  const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join("");
  const body = Buffer.from(
    `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${objects}<Quiet>true</Quiet></Delete>`,
  );
  try {
    const answer = await connection.sendForXml(
      { op: "delete", path: "", signal },
      {
        ...{ method: "POST", query: { delete: "" }, body },
        headers: { "content-md5": hash("md5", body, "base64"), "content-type": "application/xml" },
      },
    );
    const failed = new Map(
      answer.children
        .filter(({ name }) => name === "Error")
        .map((error) => [childText(error, "Key") ?? "", error]),
    );
    return keys.map((key) => {
      const error = failed.get(key);
      const code = (error && childText(error, "Code")) ?? "";
      if (error === undefined || code === "NoSuchKey") return { key };
      const refusal = new S3Refusal({ code, message: childText(error, "Message") ?? "" });
      return { key, error: connection.explain(refusal, { op: "delete", path: key, signal }) };
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
    await connection.send({ op: "delete", path: key, signal }, { method: "DELETE", key });
    return { key };
  } catch (error) {
    if (!isStorageError(error) || error.code === "aborted") throw error;
    return isStorageError(error, "not_found") && error.storeCode !== "NoSuchBucket"
      ? { key }
      : { key, error };
  }
}
