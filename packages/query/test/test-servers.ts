import { randomUUID } from "node:crypto";
import { createR2Backend, createS3Backend } from "@parquetry/backend-s3";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/unstable";

/** A server that `scripts/servers.mjs` has started. */
export interface TestServer {
  readonly name: string;
  readonly profile: "s3" | "r2";
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The running servers: only `pnpm test:servers` starts any. */
export const TEST_SERVERS: readonly TestServer[] = JSON.parse(process.env["PARQUETRY_TEST_SERVERS"] ?? "[]");

/** Opens an empty prefix on a server. */
export function openServer(server: TestServer, name: string): StorageBackend {
  const { profile, endpoint, bucket, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const options = { bucket, endpoint, credentials, prefix: parseKey(`${name}/${randomUUID()}`) };
  return profile === "r2" ? createR2Backend(options) : createS3Backend(options);
}

/** Copies all objects. */
export async function upload(from: StorageBackend, to: StorageBackend): Promise<void> {
  for await (const { objects } of from.list()) {
    await mapConcurrent(objects, 16, async ({ key }) => {
      const { body } = await from.get(key);
      await to.put(key, await body.bytes());
    });
  }
}
