import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, parseKey, type StorageBackend } from "@parquetry/core";
import { openBody } from "@parquetry/core/backend";
import { openBackend } from "@parquetry/storage/backend";
import { type S3FaultRule, type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCountingProxy } from "../../../test/support/counting-proxy.mjs";
import { runMigration } from "../src/run/run-migration.ts";
import { openUploadJournal } from "../src/run/upload-journal.ts";

const WINDOW_MS = 2000;
/** The promise is 10 %; the proxy shares a busy machine with the client and the server. */
const TOLERANCE = 1.2;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-bandwidth-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function openBucket(
  { credentials }: S3Server,
  endpoint: string,
  bucket = "football",
): Promise<StorageBackend> {
  const env = {
    PARQUETRY_S3_ENDPOINT: endpoint,
    PARQUETRY_S3_FORCE_PATH_STYLE: "true",
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  return openBackend(`s3://${bucket}`, { env });
}

async function filled(backend: StorageBackend, sizes: readonly number[]): Promise<StorageBackend> {
  for (const [i, size] of sizes.entries()) await backend.put(parseKey(`raw/f${i}`), randomBytes(size));
  return backend;
}

const same = (count: number, size: number): number[] => Array.from({ length: count }, () => size);

describe("a bandwidth limit on the wire", () => {
  it.each<[string, number[], number, S3FaultRule[]]>([
    ["one file", [4_000_000], 1_000_000, []],
    ["several files", same(4, 1_500_000), 1_500_000, []],
    ["many small files", same(300, 10_000), 800_000, []],
    ["an upload in parts", [12_000_000], 3_000_000, []],
    [
      "many failures",
      same(40, 100_000),
      1_000_000,
      [
        { probability: 0.2, fault: { kind: "status", status: 503 } },
        { operation: "GetObject", probability: 0.2, fault: { kind: "truncate" } },
      ],
    ],
    ["files of no bytes and of one", [0, 1, 0, 2_500_000], 600_000, []],
  ])("holds over any 2 s for %s, up and down", async (_, sizes, rate, faults) => {
    await using server = await startS3Server({ buckets: ["football"] });
    await using proxy = await startCountingProxy(server.port);
    const bucket = await openBucket(server, proxy.endpoint);
    const source = await filled(createMemoryBackend(), sizes);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    server.setFaults(faults);
    const back = createMemoryBackend();
    for (const [from, to, direction] of [
      [source, bucket, "up"],
      [bucket, back, "down"],
    ] as const) {
      proxy.reset();
      const result = await runMigration(from, to, {
        bytesPerSecond: rate,
        uploads: openUploadJournal(join(folder, "uploads"), () => {}),
      });
      expect(result).toMatchObject({ complete: true, copied: { bytes } });
      expect(proxy.total(direction)).toBeGreaterThanOrEqual(bytes);
      expect(proxy.mostIn(WINDOW_MS, direction)).toBeLessThanOrEqual(
        (WINDOW_MS / 1000) * rate * TOLERANCE + 16_384,
      );
      result.close();
    }
    for (const [key, size] of sizes.entries())
      expect((await back.head(parseKey(`raw/f${key}`))).sizeBytes).toBe(size);
    await bucket.close();
  });

  it("holds in both directions from bucket to bucket, and ends with the run", async () => {
    await using server = await startS3Server({ buckets: ["football", "other"] });
    await using proxy = await startCountingProxy(server.port);
    const source = await openBucket(server, proxy.endpoint);
    const target = await openBucket(server, proxy.endpoint, "other");
    await filled(source, same(6, 500_000));
    proxy.reset();
    const startedAt = performance.now();
    const result = await runMigration(source, target, { bytesPerSecond: 1_000_000 });
    expect(result.complete).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(6000);
    for (const direction of ["up", "down"] as const)
      expect(proxy.mostIn(WINDOW_MS, direction)).toBeLessThanOrEqual(2_000_000 * TOLERANCE);
    result.close();
    const freeAt = performance.now();
    // 20 s under the limit.
    await target.put(parseKey("free"), randomBytes(20_000_000));
    expect(performance.now() - freeAt).toBeLessThan(12_000);
    await source.close();
    await target.close();
  });

  it("limits what is written between folders", async () => {
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    await Promise.all([mkdir(from), mkdir(to)]);
    const [source, local] = [await openBackend(from), await openBackend(to)];
    await filled(source, [2_000_000, 500_000, 9_000_000]);
    const written: { at: number; bytes: number }[] = [];
    const target: StorageBackend = {
      ...local,
      put: (key, body, options) =>
        local.put(
          key,
          (async function* () {
            for await (const chunk of openBody(body)) {
              written.push({ at: performance.now(), bytes: chunk.byteLength });
              yield chunk;
            }
          })(),
          options,
        ),
    };
    const result = await runMigration(source, target, { bytesPerSecond: 3_000_000 });
    expect(result).toMatchObject({ complete: true, copied: { bytes: 11_500_000 } });
    for (const { at } of written) {
      const sum = written.reduce(
        (all, one) => all + (one.at >= at && one.at < at + WINDOW_MS ? one.bytes : 0),
        0,
      );
      expect(sum).toBeLessThanOrEqual(6_000_000 * TOLERANCE);
    }
    expect((await readdir(join(to, "raw"))).length).toBe(3);
    const [sent, arrived] = await Promise.all([from, to].map((root) => readFile(join(root, "raw/f2"))));
    expect(sent !== undefined && arrived?.equals(sent)).toBe(true);
    result.close();
    await Promise.all([source.close(), local.close()]);
  });
});
