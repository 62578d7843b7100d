import { hash, randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { abilitiesOf, type UploadState } from "@parquetry/core/backend";
import { openBackend } from "@parquetry/storage/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HashCache, openHashCache, planMigration, runMigration, verifyMigration } from "../src/index.ts";

const MIB = 1024 * 1024;
const KEY = parseKey("raw/large");
const TMPFS = 0x01021994;

let folder: string;
let server: S3Server;
let source: StorageBackend;
let target: StorageBackend;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-downloads-"));
  server = await startS3Server({ buckets: ["bucket"] });
  const { accessKeyId, secretAccessKey } = server.credentials;
  source = await openBackend("s3://bucket", {
    env: {
      PARQUETRY_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
  });
  target = await openBackend(folder);
});

afterEach(async () => {
  await source.close();
  await target.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Stores an object in parts of another size than this toolkit's, by resuming an upload that says so. */
async function putInParts(bytes: Uint8Array, partSizeBytes: number): Promise<void> {
  const uploads = abilitiesOf(source).resumableUploads;
  const body = {
    sizeBytes: bytes.byteLength,
    async *open({ start, end }: { readonly start: number; readonly end?: number } = { start: 0 }) {
      yield bytes.subarray(start, end);
    },
  };
  const begun: UploadState[] = [];
  const controller = new AbortController();
  await uploads
    ?.upload(KEY, body, {
      signal: controller.signal,
      onState(state) {
        begun.push(state);
        controller.abort();
      },
    })
    .catch(() => {});
  const [state] = begun;
  if (state === undefined) throw new Error("no upload has begun");
  await uploads?.upload(KEY, body, { resume: { ...state, partSizeBytes, parts: [] }, onState() {} });
}

describe("a large object that is copied to a directory", () => {
  it.each([
    ["8 MiB, this toolkit's own", 20_000_000, 8 * MIB],
    ["5 MiB, of which there are as many as of 8 MiB", 10_000_000, 5 * MIB],
    ["16 MiB", 20_000_000, 16 * MIB],
    ["50 MiB, larger than a range", 70_000_000, 50 * MIB],
  ])("is proven by its parts of %s", async (_, sizeBytes, partSizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    await putInParts(bytes, partSizeBytes);
    const result = await runMigration(source, target);
    result.close();
    expect(result).toMatchObject({ complete: true, unproven: 0, retries: 0 });
    expect((await readFile(join(folder, KEY))).equals(bytes)).toBe(true);
  });

  it("is copied and reported as unproven if its parts are of a size that nobody uses", async () => {
    const bytes = randomBytes(20_000_000);
    await putInParts(bytes, 7 * MIB - 1);
    const result = await runMigration(source, target);
    result.close();
    expect(result).toMatchObject({ complete: true, unproven: 1 });
    expect((await readFile(join(folder, KEY))).equals(bytes)).toBe(true);
  });

  it("takes the GET requests that the plan announces, one for each 32 MiB", async () => {
    await source.put(KEY, randomBytes(70_000_000));
    const plan = await planMigration(source, target);
    expect(plan.requests.sourceGet).toBe(3);
    server.requests.reset();
    const result = await runMigration(source, target, { plan });
    result.close();
    expect(server.requests.byOperation()["GetObject"]).toBe(3);
  });

  it("is read again from where a range broke off, and is whole", async () => {
    const bytes = randomBytes(70_000_000);
    await source.put(KEY, bytes);
    server.setFaults([{ operation: "GetObject", nth: 2, fault: { kind: "reset", when: "during" } }]);
    const result = await runMigration(source, target);
    result.close();
    expect(result).toMatchObject({ complete: true, unproven: 0 });
    expect((await readFile(join(folder, KEY))).equals(bytes)).toBe(true);
  });
});

describe("a large object that is verified by its content", () => {
  const bytes = randomBytes(20_000_000);
  let hashes: string;
  let hashCache: HashCache;

  beforeEach(async () => {
    hashes = await mkdtemp(join(tmpdir(), "parquetry-hashes-"));
    hashCache = openHashCache(join(hashes, "md5"));
    await mkdir(join(folder, "raw"));
    await writeFile(join(folder, KEY), bytes);
  });

  afterEach(async () => {
    vi.useRealTimers();
    hashCache.close();
    await rm(hashes, { recursive: true, force: true });
  });

  /** The verdict, and how many bytes were read for it. */
  async function verify(level: "etag" | "full"): Promise<readonly [string, number]> {
    let read = 0;
    const found = await verifyMigration(source, target, {
      level,
      hashCache,
      onProgress: (event) => {
        if (event.type === "read") read += event.bytes;
      },
    });
    found.close();
    const { equal, differing, unverifiable } = found;
    return [
      differing.length > 0 ? "differs" : equal && unverifiable.length === 0 ? "equal" : "unproven",
      read,
    ];
  }

  it("is compared byte by byte with the file, which is read once", async () => {
    await source.put(KEY, bytes);
    server.requests.reset();
    expect(await verify("full")).toEqual(["equal", 2 * bytes.byteLength]);
    expect(server.requests.byOperation()["GetObject"]).toBe(3);
  });

  it.each([
    ["first", 0],
    ["last", bytes.byteLength - 1],
  ])("differs if its %s byte does", async (_, at) => {
    const other = Buffer.from(bytes);
    other[at] = (other[at] ?? 0) ^ 1;
    await source.put(KEY, other);
    expect((await verify("full"))[0]).toBe("differs");
  });

  it("is read again if it does not arrive as it is", async () => {
    await source.put(KEY, bytes);
    server.setFaults([{ operation: "GetObject", nth: 2, fault: { kind: "flip-byte" } }]);
    expect((await verify("full"))[0]).toBe("equal");
  });

  it("is proven without being read again, whatever its parts are", async () => {
    // As if the file had been left alone for eleven minutes.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11 * 60_000 });
    await putInParts(bytes, 7 * MIB - 1);
    expect((await verify("etag"))[0]).toBe("unproven");
    expect((await verify("full"))[0]).toBe("equal");
    const isKept = process.platform !== "linux" || statfsSync(folder).type !== TMPFS;
    expect(await verify("etag")).toEqual(["equal", isKept ? 0 : bytes.byteLength]);
  });

  it("replaces the MD5 that was recorded when it was damaged", async () => {
    const { etag } = await source.put(KEY, bytes);
    hashCache.set(source.url(KEY), etag, "0".repeat(32));
    expect((await verify("full"))[0]).toBe("equal");
    expect(hashCache.get(source.url(KEY), etag)).toBe(hash("md5", bytes, "hex"));
  });
});
