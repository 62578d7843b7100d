// A loop as scripts use it, HEAD, PUT and HEAD for one file after the other: `node sequential-loop.mjs copy|verify ROOT LIMIT`.
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { HeadObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";

const [job, root, limit] = process.argv.slice(2);
const client = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL_S3, forcePathStyle: true });
const entries = await readdir(root, { recursive: true, withFileTypes: true });
const paths = entries
  .filter((entry) => entry.isFile())
  .map((file) => join(file.parentPath, file.name))
  .slice(0, Number(limit));
const keyOf = (path) => relative(root, path).replaceAll("\\", "/");

if (job === "verify") {
  const sizes = new Map();
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: "bench" }))
    for (const { Key, Size } of Contents) sizes.set(Key, Size);
  for (const path of paths)
    if (sizes.get(keyOf(path)) !== (await stat(path)).size) throw new Error(`${path} differs`);
} else {
  for (const path of paths) {
    const object = { Bucket: "bench", Key: keyOf(path) };
    const there = await client.send(new HeadObjectCommand(object)).catch(() => undefined);
    if (there !== undefined) continue;
    const Body = await readFile(path);
    await client.send(new PutObjectCommand({ ...object, Body }));
    const { ETag } = await client.send(new HeadObjectCommand(object));
    if (ETag !== `"${createHash("md5").update(Body).digest("hex")}"`) throw new Error(`${path} differs`);
  }
}
process.exit(0);
