import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isStorageError, type StorageBackend } from "@parquetry/core/backend";
import { openBackend } from "@parquetry/storage/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { USAGE_KINDS } from "../src/cost/estimate-cost.ts";
import { DOCTOR_OPTIONS, SUBJECT_OPTIONS } from "../src/doctor/doctor.ts";
import {
  doctor,
  estimateCost,
  inventory,
  openHashCache,
  openUploadJournal,
  PRICES_2026_10,
  planMigration,
  runMigration,
  verifyMigration,
} from "../src/index.ts";
import { INVENTORY_OPTIONS } from "../src/inventory/inventory.ts";
import { PLAN_OPTIONS } from "../src/plan/plan-migration.ts";
import { MIGRATION_OPTIONS } from "../src/run/run-migration.ts";
import { VERIFY_OPTIONS } from "../src/verify/verify-migration.ts";
import { counted } from "./support/counted.ts";
import { memoryTree } from "./support/memory-tree.ts";

/** A call as a program without types makes it: the compiler would refuse these arguments. */
const untyped = (call: (...args: never[]) => unknown): ((...args: unknown[]) => Promise<unknown>) => {
  return async (...args) => call(...(args as never[]));
};

const run = untyped(runMigration);
const plan = untyped(planMigration);
const verify = untyped(verifyMigration);
const count = untyped(inventory);
const check = untyped(doctor);
const price = untyped(estimateCost);

/** Returns the message of the refusal. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const outcome = await call.then(
    () => "nothing was refused",
    (error: unknown) => error,
  );
  if (!isStorageError(outcome, "invalid_argument")) throw outcome;
  return outcome.message;
}

const source = counted(await memoryTree({ "raw/a": "1" }));
const target = counted(await memoryTree());
const disk = source.backend;
const bucket = target.backend;

/** Each public call with options, the kinds of them, and how to pass them. */
const CALLS: readonly [op: string, kinds: object, (options: object) => Promise<unknown>][] = [
  ["runMigration", MIGRATION_OPTIONS, (options) => run(disk, bucket, options)],
  ["planMigration", PLAN_OPTIONS, (options) => plan(disk, bucket, options)],
  ["verifyMigration", VERIFY_OPTIONS, (options) => verify(disk, bucket, options)],
  ["inventory", INVENTORY_OPTIONS, (options) => count(disk, options)],
  ["doctor", DOCTOR_OPTIONS, (options) => check([], options)],
  ["doctor", SUBJECT_OPTIONS, (subject) => check([{ name: "bucket", open: () => disk, ...subject }])],
  ["estimateCost", USAGE_KINDS, (usage) => price({ storedBytes: 1, ...usage })],
  [
    "openHashCache",
    { path: "string", onProblem: "function" },
    (given) => {
      const { path, onProblem } = { path: "/nowhere/md5", onProblem: () => {}, ...given };
      return untyped(openHashCache)(path, onProblem);
    },
  ],
  [
    "openUploadJournal",
    { folder: "string", onProblem: "function" },
    (given) => {
      const { folder, onProblem } = { folder: "/nowhere", onProblem: () => {}, ...given };
      return untyped(openUploadJournal)(folder, onProblem);
    },
  ],
];

/** Values that an option may be given by mistake. */
const WRONG: Readonly<Record<string, unknown>> = {
  null: null,
  "an instance of a class": new (class Unexpected {})(),
  "a symbol": Symbol("unexpected"),
  "an array with a number": [1.5],
};

const OPTIONS = CALLS.flatMap(([op, kinds, call]) =>
  Object.keys(kinds).map((option) => [op, option, call] as const),
);

describe("every option of every call", () => {
  it.each(OPTIONS)("%s rejects a %s of the wrong kind, and touches nothing", async (op, option, call) => {
    for (const [name, value] of Object.entries(WRONG)) {
      const message = await refusal(call({ [option]: value }));
      expect(message, name).toContain(`${op}: ${option} must be `);
    }
    expect([source.calls, target.calls]).toEqual([{}, {}]);
  });
});

describe("an invalid argument is rejected by its name, with what is expected", () => {
  it.each([
    ["a number with a fraction", { concurrency: 1.5 }, "concurrency must be a whole number, 1 or more or a "],
    ["no concurrency at all", { concurrency: 0 }, "got 0"],
    ["a number in a string", { maxErrors: "5" }, 'maxErrors must be a whole number, 1 or more, got "5"'],
    ["a number that is not one", { bytesPerSecond: Number.NaN }, "bytesPerSecond must be a number above 0"],
    [
      "an endless number of errors",
      { maxErrors: Number.POSITIVE_INFINITY },
      "maxErrors must be a whole number",
    ],
    ["a string for true or false", { force: "false" }, 'force must be true or false, got "false"'],
    ["a number for true or false", { caseInsensitive: 0 }, "caseInsensitive must be true or false, got 0"],
    ["a single glob", { include: "raw/" }, 'include must be an array of strings, got "raw/"'],
    ["a concurrency without methods", { concurrency: {} }, "or a ConcurrencyControl with limit()"],
    [
      "a controller instead of its signal",
      { signal: new AbortController() },
      "signal must be an AbortSignal, got an AbortController",
    ],
    ["a shard that does not exist", { shard: { index: 4, count: 4 } }, "shard must be { index, count }"],
    ["a plan's file name", { plan: "plan.json" }, "plan must be a MigrationPlan, as planMigration("],
    ["a journal's folder", { uploads: "/tmp" }, "uploads must be an UploadJournal, as openUploadJournal("],
    ["a cache's path", { hashCache: "cache/md5" }, "hashCache must be a HashCache, as openHashCache("],
  ])("%s", async (_what, options, expected) => {
    expect(await refusal(run(disk, bucket, options))).toContain(expected);
    expect([source.calls, target.calls]).toEqual([{}, {}]);
  });

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
      "null instead of options",
      () => run(disk, bucket, null),
      "runMigration: options must be a plain object, got null.",
    ],
    [
      "a URL instead of a backend",
      () => run("s3://me:secret@bucket", bucket),
      "source must be a StorageBackend, ",
    ],
    [
      "a configuration instead of a backend",
      () => run({ accessKeyId: "me", secretAccessKey: "secret" }, bucket),
      "source must be a StorageBackend, ",
    ],
    ["a backend too few", () => plan(disk), "target must be a StorageBackend, "],
    ["a promise of a backend", () => verify(Promise.resolve(disk), bucket), "got a Promise; await it first."],
    ["a URL to count", () => count("/data"), "backend must be a StorageBackend, "],
    ["an unknown level", () => verify(disk, bucket, { level: "fulll" }), "level must be etag, sample:5%"],
    [
      "a level without a share",
      () => verify(disk, bucket, { level: { type: "sample" } }),
      "level must be etag",
    ],
    ["a store that is not in an array", () => check(disk), "subjects must be an array"],
    ["a store without open()", () => check([{ name: "bucket" }]), "a subject must have a name, and open"],
    [
      "an open backend for open()",
      () => check([{ name: "bucket", open: disk }]),
      "open must be a function, got an object",
    ],
    ["no amount to price", () => price({}), "storedBytes must be a number, 0 or more"],
    [
      "a negative amount",
      () => price({ storedBytes: -1 }),
      "storedBytes must be a number, 0 or more, got -1",
    ],
    [
      "the prices of one provider",
      () => price({ storedBytes: 1 }, { r2: PRICES_2026_10.r2 }),
      "prices must be a price table",
    ],
    ["a cache without a path", () => untyped(openHashCache)(), "path must be a string"],
    ["a journal without a folder", () => untyped(openUploadJournal)(), "folder must be a string"],
  ] as const)("%s", async (_what, call, expected) => {
    const message = await refusal(call());
    expect(message).toContain(expected);
    expect(message).not.toContain("secret");
    expect([source.calls, target.calls]).toEqual([{}, {}]);
  });

  it("reports a failed check for a subject that does not open a backend", async () => {
    const checks = await check([{ name: "bucket", open: () => "s3://bucket" }]);
    expect(checks).toMatchObject([
      {
        status: "fail",
        detail: expect.stringContaining("the result of open() of bucket must be a StorageBackend"),
      },
    ]);
  });
});

describe("a source and a target that are the same place", () => {
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

  it("are rejected by the library too", async () => {
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
    for (const [from, to] of pairs) {
      for (const call of [runMigration, planMigration, verifyMigration]) {
        const message = await refusal(call(from, to));
        expect(message).toContain("are the same place, or one is inside the other. Give two separate places");
      }
    }
  });

  it("are two places if only their names are alike", async () => {
    const [first, second] = servers;
    const pairs: [StorageBackend, StorageBackend][] = [
      [await memoryTree(), await memoryTree()],
      [await openBackend(join(folder, "data")), await openBackend(join(folder, "data2"))],
      [await bucketOf(first, "s3://football/a"), await bucketOf(first, "s3://football/ab")],
      [await bucketOf(first, "s3://football"), await bucketOf(second, "s3://football")],
    ];
    for (const [from, to] of pairs) (await runMigration(from, to)).close();
  });

  it("rejects a plan of other backends, and names them", async () => {
    const data = await openBackend(join(folder, "data"));
    const planned = await planMigration(data, bucket);
    const message = await refusal(runMigration(disk, bucket, { plan: planned }));
    expect(message).toContain(
      `the plan leads from ${data.url()} to memory://, not from memory:// to memory://`,
    );
    planned.close();
  });
});
