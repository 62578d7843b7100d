// s3-sync-client with its defaults: `node s3-sync-client.mjs copy|verify ROOT`.
import { S3Client } from "@aws-sdk/client-s3";
import { S3SyncClient } from "s3-sync-client";

const [job, root] = process.argv.slice(2);
const client = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL_S3, forcePathStyle: true });
await new S3SyncClient({ client }).sync(root, "s3://bench", { dryRun: job === "verify" });
process.exit(0);
