import { hash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { abilitiesOf, withAbilities } from "@parquetry/core/backend";
import { openBackend } from "@parquetry/storage/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type HashCache,
  type MigrationResult,
  openHashCache,
  openUploadJournal,
  runMigration,
  verifyMigration,
} from "../src/index.ts";
import { etagOfParts } from "../src/proof/multipart-etag.ts";

/** A file that is sent in three parts. */
const CONTENT = randomBytes(20_000_000);
const KEY = parseKey("raw/large");
const PART_BYTES = 8 * 1024 * 1024;
const MD5 = hash("md5", CONTENT, "hex");
const ETAG = etagOfParts(
  [0, 1, 2].map((i) => hash("md5", CONTENT.subarray(i * PART_BYTES, (i + 1) * PART_BYTES), "hex")),
);
const TMPFS = 0x01021994;

let folder: string;
let server: S3Server;
let source: StorageBackend;
let target: StorageBackend;
let hashCache: HashCache;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parquetry-large-"));
  mkdirSync(join(folder, "root", "raw"), { recursive: true });
  writeFileSync(join(folder, "root", "raw", "large"), CONTENT);
  server = await startS3Server({ buckets: ["bucket"] });
  const { accessKeyId, secretAccessKey } = server.credentials;
  source = await openBackend(join(folder, "root"));
  target = await openBackend("s3://bucket/prefix", {
    env: {
      PARQUETRY_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
  });
  hashCache = openHashCache(join(folder, "md5"));
});

afterEach(async () => {
  vi.useRealTimers();
  hashCache.close();
  await source.close();
  await target.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Copies the file and expects that it is proven. Returns the bytes that were counted. */
async function migrate(to: StorageBackend): Promise<number> {
  let bytes = 0;
  const result: MigrationResult = await runMigration(source, to, {
    hashCache,
    uploads: openUploadJournal(join(folder, "uploads")),
    onProgress: (event) => {
      if (event.type === "bytes") bytes += event.bytes;
    },
  });
  expect([result.complete, result.copied.files]).toEqual([true, 1]);
  result.close();
  return bytes;
}

/** The verdict on the file, and how many of its bytes were read for it. */
async function verify(to: StorageBackend): Promise<readonly [string, number]> {
  let read = 0;
  const found = await verifyMigration(source, to, {
    hashCache,
    onProgress: (event) => {
      if (event.type === "read") read += event.bytes;
    },
  });
  found.close();
  return [found.equal && found.unverifiable.length === 0 ? "equal" : "not equal", read];
}

/** The bucket as if its objects were encrypted with SSE-KMS: their ETags are not made of MD5s. */
function encrypted(bucket: StorageBackend): StorageBackend {
  const { resumableUploads } = abilitiesOf(bucket);
  if (resumableUploads === undefined) throw new Error("no uploads");
  const opaque = "f".repeat(32);
  return withAbilities(
    {
      ...bucket,
      async *list(options) {
        for await (const page of bucket.list(options))
          yield { ...page, objects: page.objects.map((info) => ({ ...info, etag: `${opaque}-3` })) };
      },
    },
    {
      resumableUploads: {
        ...resumableUploads,
        upload: async (...args) => ({ ...(await resumableUploads.upload(...args)), etag: `${opaque}-3` }),
      },
    },
  );
}

describe("a large file that is sent in parts", () => {
  it("is read and hashed once, and verified without being read again", async () => {
    // As if the file had been left alone for eleven minutes.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11 * 60_000 });
    expect(await migrate(target)).toBe(CONTENT.byteLength);
    expect((await target.head(KEY)).etag).toBe(ETAG);
    const isKept = process.platform !== "linux" || statfsSync(folder).type !== TMPFS;
    expect(await verify(target)).toEqual(["equal", isKept ? 0 : CONTENT.byteLength]);
  });

  it("is verified by reading the file once, if no hash of it was kept", async () => {
    await migrate(target);
    expect(await verify(target)).toEqual(["equal", CONTENT.byteLength]);
    writeFileSync(join(folder, "root", "raw", "large"), randomBytes(CONTENT.byteLength));
    expect((await verify(target))[0]).toBe("not equal");
  });

  it("is proven later by the MD5 of the whole, where the store's ETag does not prove its parts", async () => {
    const bucket = encrypted(target);
    await migrate(bucket);
    expect(hashCache.get(bucket.url(KEY), `${"f".repeat(32)}-3`)).toBe(MD5);
    expect((await verify(bucket))[0]).toBe("equal");
  });

  it("replaces the MD5 that was recorded for a damaged object with the same ETag", async () => {
    hashCache.set(target.url(KEY), ETAG, "0".repeat(32));
    await migrate(target);
    expect(hashCache.get(target.url(KEY), ETAG)).toBe(MD5);
    expect((await verify(target))[0]).toBe("equal");
  });
});
