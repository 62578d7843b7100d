import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";

/** The key pair of every test server. */
export const CREDENTIALS = {
  accessKeyId: "parquetry-test-key",
  secretAccessKey: "parquetry-test-secret",
};

/** Creates a bucket on a test server. */
export async function createBucket(endpoint, bucket) {
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: CREDENTIALS,
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}
