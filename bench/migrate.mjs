import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { runMigration, verifyMigration } from "@parquetry/migrate-cli";
import { startS3Server } from "@parquetry/testkit";
import { compare } from "./measure.mjs";

const FILES = 1000;
const MEAN_BYTES = 48_000;

/** Copying, finding nothing to do and verifying, beside the loop that asks, puts and asks again, one file at a time. */
export async function benchMigrate(work) {
  const root = join(work, "files");
  for (let i = 0; i < FILES; i++) {
    const folder = join(root, "raw", `year=${2000 + (i % 20)}`);
    if (i < 20) await mkdir(folder, { recursive: true });
    // Lognormal sizes, as the first user's files have.
    const normal = Math.sqrt(-2 * Math.log(Math.random())) * Math.cos(2 * Math.PI * Math.random());
    await writeFile(
      join(folder, `f${i}.parquet`),
      randomBytes(Math.round((MEAN_BYTES / Math.exp(0.5)) * Math.exp(normal))),
    );
  }
  const server = await startS3Server();
  const source = await createLocalBackend({ root });
  const client = new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    credentials: server.credentials,
    forcePathStyle: true,
  });
  let run = 0;
  let target;
  const requests = () => {
    const { total } = server.requests;
    server.requests.reset();
    return `${total} requests`;
  };
  const freshBucket = async () => {
    const bucket = `run-${run++}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    server.requests.reset();
    return bucket;
  };

  await compare(
    `${FILES} files of mean ${MEAN_BYTES / 1000} KB to the in-process S3 server`,
    {
      "ours, copy": async () => {
        const { endpoint, credentials } = server;
        target = createS3Backend({ bucket: await freshBucket(), endpoint, credentials });
        await runMigration(source, target);
        return requests();
      },
      "ours, nothing to do": async () => {
        await runMigration(source, target);
        return requests();
      },
      "ours, verify": async () => {
        const { equal } = await verifyMigration(source, target);
        return `${requests()}, ${equal ? "equal" : "NOT equal"}`;
      },
      "sequential HEAD + PUT + HEAD": async () => {
        const bucket = await freshBucket();
        for (const file of await readdir(root, { recursive: true, withFileTypes: true })) {
          if (!file.isFile()) continue;
          const path = join(file.parentPath, file.name);
          const body = await readFile(path);
          const target = { Bucket: bucket, Key: relative(root, path).replaceAll("\\", "/") };
          await client.send(new HeadObjectCommand(target)).catch(() => {});
          await client.send(new PutObjectCommand({ ...target, Body: body }));
          const { ETag } = await client.send(new HeadObjectCommand(target));
          if (ETag !== `"${createHash("md5").update(body).digest("hex")}"`)
            throw new Error("the copy differs");
        }
        return requests();
      },
    },
    { rounds: 3 },
  );
  client.destroy();
  await server.close();
}
