// Runs the library of migrate-cli in a separate process: `node library.mjs copy|verify ROOT`.
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { openHashCache, runMigration, verifyMigration } from "@parquetry/migrate-cli";

const [job, root] = process.argv.slice(2);
const source = await createLocalBackend({ root });
const target = createS3Backend({ bucket: "bench", endpoint: process.env.AWS_ENDPOINT_URL_S3 });
const hashCache = openHashCache("library-md5");
const found = await (job === "verify" ? verifyMigration : runMigration)(source, target, { hashCache });
hashCache.close();
process.exit(found.equal === false || found.complete === false ? 1 : 0);
