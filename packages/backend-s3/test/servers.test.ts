import { randomUUID } from "node:crypto";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { describeBackend } from "@parquetry/testkit";
import { describe, it } from "vitest";
import { createR2Backend, createS3Backend } from "../src/index.ts";
import { deviationOf } from "./server-deviations.ts";

/** A server that `scripts/servers.mjs` started. */
interface TestServer {
  readonly name: string;
  readonly profile: "s3" | "r2";
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const servers: readonly TestServer[] = JSON.parse(process.env["PARQUETRY_TEST_SERVERS"] ?? "[]");

for (const server of servers) {
  const { name, profile, endpoint, bucket, accessKeyId, secretAccessKey } = server;
  /** Opens the bucket with a separate prefix for each test. */
  const open = async (): Promise<StorageBackend> => {
    const options = {
      bucket,
      endpoint,
      credentials: { accessKeyId, secretAccessKey },
      prefix: parseKey(`t/${randomUUID()}`),
    };
    return profile === "s3" ? createS3Backend(options) : createR2Backend(options);
  };
  const ask = (guarantee: string, body: () => Promise<void>): void => {
    const deviation = deviationOf(name, guarantee);
    if (deviation === undefined) it(guarantee, body);
    // The case can neither be expected to pass nor to fail. The table says why.
    else if (deviation.sometimes) it.skip(`DEVIATES AT TIMES: ${guarantee}: ${deviation.reason}`, body);
    else it.fails(`DEVIATES: ${guarantee}: ${deviation.reason}`, body);
  };
  describeBackend(name, open, { describe, it: ask });
}
