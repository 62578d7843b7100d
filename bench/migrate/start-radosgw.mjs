import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { radosgw } from "../../scripts/servers/radosgw.mjs";

const CREDENTIALS = { accessKeyId: "parquetry-test-key", secretAccessKey: "parquetry-test-secret" };

/** Starts radosgw, an independent server, with the bucket `bench`. It neither counts nor delays requests. */
export async function startRadosgw() {
  if (!(await radosgw.isAvailable())) throw new Error(`radosgw is not installed: ${radosgw.need}`);
  const dir = await mkdtemp(join(tmpdir(), "parquetry-bench-radosgw-"));
  const { endpoint, stop } = await radosgw.start(dir, { bucket: "bench", credentials: CREDENTIALS });
  const region = "us-east-1";
  const client = new S3Client({ endpoint, region, credentials: CREDENTIALS, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: "bench" }));
  client.destroy();
  return {
    endpoint,
    region,
    credentials: CREDENTIALS,
    counts: async () => ({}),
    latency: async () => {},
    async close() {
      await stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
