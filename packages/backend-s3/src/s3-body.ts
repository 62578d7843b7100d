import { type Key, type ObjectBody, StorageError } from "@parquetry/core";
import { objectBody } from "@parquetry/core/backend";
import type { S3Connection } from "./s3-connection.ts";

/** What the SDK gives as a body in Node: a stream that can be destroyed. */
interface NodeBody extends AsyncIterable<Uint8Array> {
  destroy(): unknown;
}

/** Wraps the SDK's body: failures explained, and one that ends early is an error, never taken for the whole. */
export function s3Body(
  connection: S3Connection,
  key: Key,
  body: unknown,
  expectedBytes: number | undefined,
  signal: AbortSignal | undefined,
): ObjectBody {
  const stream = nodeBody(body);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let received = 0;
    try {
      for await (const chunk of stream) {
        received += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      throw connection.explain(error, "get", key, signal);
    } finally {
      stream.destroy();
    }
    if (expectedBytes !== undefined && received !== expectedBytes) {
      throw new StorageError({
        code: "unavailable",
        op: "get",
        path: key,
        backend: connection.profile.name,
        message: `get ${key}: the body ended after ${received} of ${expectedBytes} bytes.`,
      });
    }
  }
  return objectBody(chunks(), async () => {
    stream.destroy();
  });
}

function nodeBody(body: unknown): NodeBody {
  if (typeof body === "object" && body !== null && Symbol.asyncIterator in body && "destroy" in body) {
    // The SDK's Node handler answers with http.IncomingMessage.
    return body as NodeBody;
  }
  throw new StorageError({
    code: "not_supported",
    op: "get",
    message: "get: the AWS SDK gave no Node stream for the body.",
  });
}
