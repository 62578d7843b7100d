import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { abilitiesOf, type UploadState } from "@parquetry/core/backend";
import { openBackend } from "@parquetry/storage/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planMigration, runMigration } from "../src/index.ts";

const MIB = 1024 * 1024;
const KEY = parseKey("raw/large");

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
