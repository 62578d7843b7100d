import { hash, randomBytes } from "node:crypto";
import { mkdtemp, open as openFile, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { abilitiesOf, withAbilities } from "@parquetry/core/backend";
import { runMigration, verifyMigration } from "@parquetry/migrate-cli";
import { openBackend } from "@parquetry/storage/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HashCache, openHashCache } from "../src/proof/hash-cache.ts";

const SMALL = randomBytes(10_000);
/** A file that is sent in three parts. */
const LARGE = randomBytes(20_000_000);

let folder: string;
let server: S3Server;
let source: StorageBackend;
let target: StorageBackend;
let hashCache: HashCache;

const open = (address: string): Promise<StorageBackend> => {
  const { accessKeyId, secretAccessKey } = server.credentials;
  return openBackend(address, {
    env: {
      PARQUETRY_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
  });
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-damaged-"));
  server = await startS3Server({ buckets: ["source", "other"] });
  source = await open("s3://source");
  target = await open(folder);
  hashCache = openHashCache(`${folder}.md5`);
});

afterEach(async () => {
  hashCache.close();
  await source.close();
  await target.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
  await rm(`${folder}.md5`, { force: true });
});

/** Changes one byte of the next response to a GET. */
const damageNextRead = (): void =>
  server.setFaults([{ operation: "GetObject", nth: 1, fault: { kind: "flip-byte" } }]);

const verdict = async (to: StorageBackend): Promise<string> => {
  const found = await verifyMigration(source, to, { hashCache });
  const counts = `${found.missing.length} missing, ${found.differing.length} differing, ${found.unverifiable.length} unverifiable`;
  found.close();
  return counts;
};

describe("bytes that are damaged on the way from a bucket", () => {
  it.each([
    ["small", SMALL],
    ["large, of which this machine knows the hash", LARGE],
  ])("are read again if the object's hash is known: %s", async (_, bytes) => {
    const key = parseKey("raw/x.bin");
    const { etag } = await source.put(key, bytes);
    hashCache.set(source.url(key), etag, hash("md5", bytes, "hex"));
    damageNextRead();
    const retried: string[] = [];
    const result = await runMigration(source, target, {
      hashCache,
      onProgress: (event) => {
        if (event.type === "retry") retried.push(event.key);
      },
    });
    result.close();
    expect(result).toMatchObject({ complete: true, unproven: 0, retries: 1 });
    expect(retried).toEqual(["raw/x.bin"]);
    expect((await readFile(join(folder, "raw/x.bin"))).equals(bytes)).toBe(true);
    expect(await verdict(target)).toBe("0 missing, 0 differing, 0 unverifiable");
  });

  it("are never called equal if only the object's parts prove its content", async () => {
    await source.put(parseKey("raw/x.bin"), LARGE);
    damageNextRead();
    const result = await runMigration(source, target, { hashCache });
    result.close();
    expect(result.unproven).toBe(1);
    expect((await readFile(join(folder, "raw/x.bin"))).equals(LARGE)).toBe(false);
    expect(await verdict(target)).toBe("0 missing, 0 differing, 1 unverifiable");
  });

  it("do not occur in a sound copy, which the ETag of its parts proves, in a directory and in another bucket", async () => {
    await source.put(parseKey("raw/x.bin"), LARGE);
    const bucket = await open("s3://other");
    for (const to of [target, bucket]) {
      const result = await runMigration(source, to, { hashCache });
      result.close();
      expect(result).toMatchObject({ complete: true, unproven: 0 });
      expect(await verdict(to)).toBe("0 missing, 0 differing, 0 unverifiable");
    }
    await bucket.close();
  });
});

describe("bytes that are damaged on the way to the disk", () => {
  it.each([
    ["its parts prove", false],
    ["this machine knows the hash of", true],
  ])("fail the copy of a large object that %s", async (_, isKnown) => {
    const key = parseKey("raw/x.bin");
    const { etag } = await source.put(key, LARGE);
    if (isKnown) hashCache.set(source.url(key), etag, hash("md5", LARGE, "hex"));
    const damaging: StorageBackend = {
      ...target,
      async put(key, body, options) {
        const { sizeBytes } = await target.put(key, body, options);
        const file = await openFile(join(folder, key), "r+");
        await file.write(Uint8Array.of((LARGE.at(-1) ?? 0) ^ 1), 0, 1, LARGE.byteLength - 1);
        await file.close();
        return { sizeBytes, etag: (await target.head(key)).etag };
      },
    };
    // With it, the directory compares the file itself before it becomes the object.
    const { hashedWrites: _hashedWrites, ...abilities } = abilitiesOf(target);
    const result = await runMigration(source, withAbilities(damaging, abilities), { hashCache });
    const codes = [];
    for await (const { code } of result.failures) codes.push(code);
    result.close();
    expect(codes).toEqual(["corrupt"]);
    expect(result.copied.files).toBe(0);
  });
});
