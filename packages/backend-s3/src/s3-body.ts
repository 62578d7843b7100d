import type { IncomingMessage } from "node:http";
import { type Key, type ObjectBody, objectBody, StorageError } from "@parquetry/core/backend";
import type { RawAnswer } from "./raw-socket.ts";
import type { S3Connection } from "./s3-connection.ts";

/** Returns the body of an answer. Failures are explained, and a body that ends early is an error, never a short object. */
export function s3Body(
  connection: S3Connection,
  key: Key,
  answer: RawAnswer | IncomingMessage,
  signal: AbortSignal | undefined,
): ObjectBody {
  const expectedBytes = Number(answer.headers["content-length"] ?? Number.NaN);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let received = 0;
    try {
      for await (const chunk of answer) {
        received += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      throw connection.explain(error, { op: "get", path: key, signal });
    } finally {
      answer.destroy();
    }
    if (received < expectedBytes) {
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
    answer.destroy();
  });
}
