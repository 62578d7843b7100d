// Runs one contender of bench/s3.mjs in a separate process: does one job and prints what it cost.
import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { createS3Backend } from "@parquetry/backend-s3";
import { parseKey } from "@parquetry/core";
import { listObjects } from "@parquetry/core/backend";
import { deleteAll } from "@parquetry/core/unstable";
import { Client as MinioClient } from "minio";

const [contender, job, endpoint, accessKeyId, secretAccessKey] = process.argv.slice(2);
const CONCURRENCY = 16;
const BUCKET = "bench";
const SIZES = { small: 64 * 1024, large: 8 * 1024 * 1024 };
const COUNTS = { small: 3000, large: 100 };
/** Yields a few keys in turn, because the server keeps objects in memory. */
const KEYS = { small: 3000, large: 20 };
const LISTED = 20_000;
const DELETED = 5000;

const contenders = { ours, "bare SDK": sdk, minio };

function ours() {
  const backend = createS3Backend({
    bucket: BUCKET,
    endpoint,
    credentials: { accessKeyId, secretAccessKey },
  });
  return {
    put: (key, bytes) => backend.put(parseKey(key), bytes),
    async get(key) {
      let bytes = 0;
      for await (const chunk of (await backend.get(parseKey(key))).body) bytes += chunk.byteLength;
      return bytes;
    },
    async list(prefix) {
      let count = 0;
      for await (const _ of listObjects(backend, { prefix: parseKey(prefix) })) count++;
      return count;
    },
    remove: (keys) =>
      deleteAll(
        backend,
        keys.map((key) => parseKey(key)),
      ),
  };
}

function sdk() {
  const client = new S3Client({
    ...{ endpoint, region: "us-east-1", forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return {
    // With a checksum that the server verifies, as our client sends one.
    put: (Key, Body) =>
      client.send(
        new PutObjectCommand({
          ...{ Bucket: BUCKET, Key, Body },
          ContentMD5: createHash("md5").update(Body).digest("base64"),
        }),
      ),
    async get(Key) {
      let bytes = 0;
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      for await (const chunk of Body) bytes += chunk.byteLength;
      return bytes;
    },
    async list(Prefix) {
      let count = 0;
      let ContinuationToken;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket: BUCKET, Prefix, ContinuationToken }),
        );
        count += page.Contents?.length ?? 0;
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      return count;
    },
    async remove(keys) {
      for (let i = 0; i < keys.length; i += 1000) {
        const Objects = keys.slice(i, i + 1000).map((Key) => ({ Key }));
        await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects, Quiet: true } }));
      }
    },
  };
}

function minio() {
  const { hostname, port } = new URL(endpoint);
  const client = new MinioClient({
    ...{
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
      accessKey: accessKeyId,
      secretKey: secretAccessKey,
    },
    ...{ region: "us-east-1", pathStyle: true },
  });
  return {
    put: (key, bytes) => client.putObject(BUCKET, key, bytes, bytes.byteLength),
    async get(key) {
      let bytes = 0;
      for await (const chunk of await client.getObject(BUCKET, key)) bytes += chunk.byteLength;
      return bytes;
    },
    async list(prefix) {
      let count = 0;
      for await (const _ of client.listObjectsV2(BUCKET, prefix, true)) count++;
      return count;
    },
    remove: (keys) => client.removeObjects(BUCKET, keys),
  };
}

async function each(count, run) {
  let next = 0;
  const worker = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

const client = contenders[contender]();
const jobs = {
  async put(size) {
    const bytes = Buffer.alloc(SIZES[size], "x");
    await each(COUNTS[size], (i) => client.put(`${size}/${i % KEYS[size]}`, bytes));
    return COUNTS[size];
  },
  async get(size) {
    await each(COUNTS[size], async (i) => {
      const bytes = await client.get(`${size}/${i % KEYS[size]}`);
      if (bytes !== SIZES[size]) throw new Error(`${bytes} bytes`);
    });
    return COUNTS[size];
  },
  async list() {
    const count = await client.list("listed");
    if (count !== LISTED) throw new Error(`${count} keys`);
    return LISTED / 1000;
  },
  async remove() {
    await client.remove(Array.from({ length: DELETED }, (_, i) => `deleted/${i}`));
    return DELETED / 1000;
  },
  /** Stores the objects that are listed and deleted. */
  async prepare() {
    await each(LISTED, (i) => client.put(`listed/k=${i % 100}/${i}`, Buffer.alloc(1)));
    return LISTED;
  },
  async prepareDelete() {
    await each(DELETED, (i) => client.put(`deleted/${i}`, Buffer.alloc(1)));
    return DELETED;
  },
};

const [name, size] = job.split(":");
// The first requests open connections and load code.
if (name === "put" || name === "get") {
  await each(500, (i) => client.put(`warm/${i}`, Buffer.alloc(1024)));
  await each(500, (i) => client.get(`warm/${i}`));
}
const cpu = process.cpuUsage();
const startedAt = performance.now();
const requests = await jobs[name](size);
const seconds = (performance.now() - startedAt) / 1000;
const { user, system } = process.cpuUsage(cpu);
process.send({
  requests,
  seconds,
  cpuMs: (user + system) / 1000 / requests,
  rssMb: process.resourceUsage().maxRSS / 1024,
});
process.disconnect();
process.exit();
