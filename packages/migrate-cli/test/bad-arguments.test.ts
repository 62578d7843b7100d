import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isStorageError, type StorageBackend } from "@parquetry/core/backend";
import { openBackend } from "@parquetry/storage/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  doctor,
  estimateCost,
  inventory,
  PRICES_2026_10,
  planMigration,
  runMigration,
  verifyMigration,
} from "../src/index.ts";
import { contents, memoryTree } from "./support/memory-tree.ts";

// What callers without types pass: the compiler would refuse all of it.
const untyped = (call: (...args: never[]) => unknown): ((...args: unknown[]) => Promise<unknown>) => {
  return async (...args) => call(...(args as never[]));
};

const run = untyped(runMigration);
const plan = untyped(planMigration);
const verify = untyped(verifyMigration);
const count = untyped(inventory);
const check = untyped(doctor);
const price = untyped(estimateCost);

/** What a call says where it refuses its arguments. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const outcome = await call.then(
    () => "nothing was refused",
    (error: unknown) => error,
  );
  if (!isStorageError(outcome, "invalid_argument")) throw outcome;
  return outcome.message;
}

const disk = await memoryTree({ "raw/a": "1" });
const bucket = await memoryTree();

describe("what is no argument is refused, with its name and what to do", () => {
  it.each([
    [
      "a misspelt option of runMigration",
      () => run(disk, bucket, { forse: true }),
      'runMigration: there is no option "forse". Did you mean force? Options are include, ',
    ],
    [
      "a misspelt option of planMigration",
      () => plan(disk, bucket, { includes: [] }),
      "Did you mean include?",
    ],
    [
      "an option that only runMigration has",
      () => plan(disk, bucket, { maxErrors: 1 }),
      'planMigration: there is no option "maxErrors"',
    ],
    [
      "a misspelt option of verifyMigration",
      () => verify(disk, bucket, { levle: "full" }),
      "Did you mean level?",
    ],
    ["a misspelt option of inventory", () => count(disk, { wehre: [] }), "Did you mean where?"],
    ["a misspelt option of doctor", () => check([], { onChek: () => {} }), "Did you mean onCheck?"],
    ["a misspelt amount", () => price({ storedByte: 1 }), "Did you mean storedBytes?"],
    [
      "options that are none",
      () => run(disk, bucket, null),
      "runMigration: options must be a plain object, got null.",
    ],
    [
      "an address for a backend",
      () => run("s3://me:secret@bucket", bucket),
      "source must be a StorageBackend, such as",
    ],
    [
      "a configuration for a backend",
      () => run({ accessKeyId: "me", secretAccessKey: "secret" }, bucket),
      "@parquetry/storage return, got an object.",
    ],
    ["nothing for a backend", () => plan(disk), "target must be a StorageBackend"],
    ["a promise of a backend", () => verify(Promise.resolve(disk), bucket), "got a Promise; await it first."],
    ["an address to count", () => count("/data"), "await openBackend(address)"],
    [
      "a glob alone",
      () => run(disk, bucket, { include: "raw/" }),
      'include must be an array of strings, got "raw/".',
    ],
    [
      "a condition alone",
      () => count(disk, { where: "year=2024" }),
      'where must be an array of strings, got "year=2024".',
    ],
    ["a text for yes", () => run(disk, bucket, { force: "no" }), 'force must be true or false, got "no".'],
    [
      "a text for a number",
      () => run(disk, bucket, { maxErrors: "5" }),
      'maxErrors must be a finite number, got "5".',
    ],
    [
      "a number that is none",
      () => run(disk, bucket, { bytesPerSecond: Number.NaN }),
      "bytesPerSecond must be a finite number, got NaN.",
    ],
    [
      "a number too small",
      () => run(disk, bucket, { maxErrors: 0 }),
      "maxErrors must be a number of at least 1, not 0.",
    ],
    [
      "a concurrency that is none",
      () => run(disk, bucket, { concurrency: {} }),
      "concurrency is neither a number nor",
    ],
    [
      "a controller for its signal",
      () => run(disk, bucket, { signal: new AbortController() }),
      "signal must be an AbortSignal, got an AbortController.",
    ],
    [
      "a shard that is none",
      () => plan(disk, bucket, { shard: { index: 4, count: 4 } }),
      'shard is {"index":4,"count":4}, expected { index, count }',
    ],
    ["a seed that is none", () => verify(disk, bucket, { seed: 5 }), "seed must be a string, got 5."],
    ["a plan that is none", () => run(disk, bucket, { plan: "plan.json" }), "plan is no plan"],
    ["subjects that are no list", () => check(disk), "subjects is no list"],
    ["a subject that opens nothing", () => check([{ name: "bucket" }]), "a subject has a name and open"],
    [
      "a subject that is a backend",
      () => check([{ name: "bucket", open: disk }]),
      "open must be a function, got an object",
    ],
    ["no amount to price", () => price({}), "storedBytes is missing"],
    ["less than nothing to price", () => price({ storedBytes: -1 }), "storedBytes must be 0 or more, not -1"],
    [
      "prices that are none",
      () => price({ storedBytes: 1 }, { r2: PRICES_2026_10.r2 }),
      "prices is no price table",
    ],
  ] as const)("%s", async (_what, call, says) => {
    const message = await refusal(call());
    expect(message).toContain(says);
    expect(message).not.toContain("secret");
    expect(await contents(bucket)).toEqual({});
  });

  it("a subject whose backend is none is a failed check", async () => {
    const checks = await check([{ name: "bucket", open: () => "s3://bucket" }]);
    expect(checks).toMatchObject([
      { status: "fail", detail: expect.stringContaining("got a string; open an address first") },
    ]);
  });
});

describe("two ends that are one place", () => {
  let folder: string;
  const servers: S3Server[] = [];
  const bucketOf = async (server: S3Server | undefined, address: string): Promise<StorageBackend> =>
    openBackend(address, {
      env: {
        PARQUETRY_S3_ENDPOINT: server?.endpoint,
        PARQUETRY_S3_FORCE_PATH_STYLE: "true",
        AWS_ACCESS_KEY_ID: server?.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server?.credentials.secretAccessKey,
      },
    });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "parquetry-test-ends-"));
    mkdirSync(join(folder, "data", "copy"), { recursive: true });
    mkdirSync(join(folder, "data2"));
    for (let i = 0; i < 2; i++) servers.push(await startS3Server({ buckets: ["football"] }));
  });

  afterAll(async () => {
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true });
  });

  it("are refused by the library too", async () => {
    const data = await openBackend(join(folder, "data"));
    const [first] = servers;
    const pairs: [StorageBackend, StorageBackend][] = [
      [disk, disk],
      [data, await openBackend(join(folder, "data"))],
      [data, await openBackend(join(folder, "data", "copy"))],
      [await openBackend(join(folder, "data", "copy")), data],
      [data, await openBackend("/")],
      [await bucketOf(first, "s3://football"), await bucketOf(first, "s3://football/archive")],
    ];
    for (const [source, target] of pairs) {
      for (const call of [runMigration, planMigration, verifyMigration]) {
        const message = await refusal(call(source, target));
        expect(message).toContain("are the same place, or one lies in the other. Give two separate places");
      }
    }
  });

  it("are two where only their names are alike", async () => {
    const [first, second] = servers;
    const pairs: [StorageBackend, StorageBackend][] = [
      [await memoryTree(), await memoryTree()],
      [await openBackend(join(folder, "data")), await openBackend(join(folder, "data2"))],
      [await bucketOf(first, "s3://football/a"), await bucketOf(first, "s3://football/ab")],
      [await bucketOf(first, "s3://football"), await bucketOf(second, "s3://football")],
    ];
    for (const [source, target] of pairs) (await runMigration(source, target)).close();
  });

  it("a plan of other ends is refused, and says of which", async () => {
    const data = await openBackend(join(folder, "data"));
    const planned = await planMigration(data, bucket);
    const message = await refusal(runMigration(disk, bucket, { plan: planned }));
    expect(message).toContain(
      `the plan leads from ${data.url()} to memory://, not from memory:// to memory://`,
    );
    planned.close();
  });
});
