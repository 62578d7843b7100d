import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { abilitiesOf, parseKey, type ResumableUploads } from "@parquetry/core/backend";
import { openBackend } from "@parquetry/storage/backend";
import { describe, expect, it } from "vitest";
import { createWorld, jsonLines, until, type World } from "./support/command.ts";

const PART_BYTES = 8 * 1024 * 1024;
const PARTS = 5;
/** Parts that are sent concurrently. */
const IN_FLIGHT = 4;

/** Gives access to the bucket's unfinished uploads, as another program has it. */
async function withUploads<T>({ server }: World, run: (uploads: ResumableUploads) => Promise<T>): Promise<T> {
  const { accessKeyId, secretAccessKey } = server.credentials;
  const env = {
    PARQUETRY_S3_ENDPOINT: server.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const backend = await openBackend("s3://football", { env });
  try {
    const uploads = abilitiesOf(backend).resumableUploads;
    if (uploads === undefined) throw new Error("S3 knows unfinished uploads");
    return await run(uploads);
  } finally {
    await backend.close();
  }
}

const unfinished = (world: World): Promise<string[]> =>
  withUploads(world, async (uploads) => {
    const keys: string[] = [];
    for await (const { key } of uploads.list()) keys.push(key);
    return keys;
  });

const journalOf = (world: World): string[] =>
  readdirSync(join(world.folder, "cache", "parquetry", "uploads"));

/** Starts a migration and kills it when this many parts have arrived. */
async function killAfter(world: World, parts: number): Promise<void> {
  const { server } = world;
  server.setFaults([
    { operation: "UploadPart", fault: { kind: "latency", ms: 100 } },
    // A fast machine may send all parts before the kill; the server drops what a dead client still waits for.
    { operation: "CompleteMultipartUpload", fault: { kind: "latency", ms: 60_000 } },
  ]);
  const before = server.requests.count("UploadPart");
  const run = world.start(["migrate"]);
  await until(() => server.requests.count("UploadPart") >= before + parts);
  await sleep(150);
  run.child.kill("SIGKILL");
  expect((await run.outcome).signal).toBe("SIGKILL");
  server.setFaults([]);
}

describe.concurrent("an interrupted upload in parts", () => {
  it("is resumed at its missing parts, and the whole file is proven", async () => {
    await using world = await createWorld("s3");
    const { requests } = world.server;
    world.write({ "raw/large.bin": randomBytes(PARTS * PART_BYTES - 5), "raw/small.bin": "small" });
    await killAfter(world, 2);
    const sent = requests.count("UploadPart");
    expect(await unfinished(world)).toEqual(["raw/large.bin"]);
    const again = await world.run(["migrate", "--json"]);
    expect(again.exitCode).toBe(0);
    expect(jsonLines(again.stdout)).toContainEqual(
      expect.objectContaining({ type: "upload", key: "raw/large.bin", action: "resumed" }),
    );
    expect(requests.count("CreateMultipartUpload")).toBe(1);
    expect(requests.count("UploadPart")).toBeLessThanOrEqual(PARTS + Math.min(sent, IN_FLIGHT));
    expect(await unfinished(world)).toEqual([]);
    expect(journalOf(world)).toEqual([]);
    // Proven by the ETag of its parts, and by reading every byte.
    for (const level of ["etag", "full"]) {
      const verified = await world.call(["verify", "--level", level]);
      expect(verified.stdout).toContain("missing=0 extra=0 differing=0 unverifiable=0");
      expect(verified.exitCode).toBe(0);
    }
  });

  it("is aborted if its file has changed or is gone, and uploads of other programs are left alone", async () => {
    await using world = await createWorld("s3");
    world.write({ "raw/changed.bin": randomBytes(PARTS * PART_BYTES), "raw/small.bin": "small" });
    await killAfter(world, 1);
    world.write({ "raw/changed.bin": randomBytes(2 * PART_BYTES) });
    const replaced = await world.run(["migrate"]);
    expect(replaced.exitCode).toBe(0);
    expect(await unfinished(world)).toEqual([]);

    world.write({ "raw/gone.bin": randomBytes(PARTS * PART_BYTES) });
    await killAfter(world, 1);
    rmSync(join(world.data, "raw/gone.bin"));
    await withUploads(world, async (uploads) => {
      // An upload of another program, which failed and was left behind.
      const never = {
        sizeBytes: 9_000_000,
        async *open(): AsyncGenerator<Uint8Array> {
          yield new Uint8Array(1);
          throw new Error("no more");
        },
      };
      const upload = uploads.upload(parseKey("raw/theirs.bin"), never, { onState: () => {} });
      await expect(upload).rejects.toThrow();
    });
    expect(await unfinished(world)).toEqual(["raw/gone.bin", "raw/theirs.bin"]);
    const other = await world.run(["migrate", "--exclude", "raw/gone.bin"]);
    expect(other.exitCode).toBe(0);
    expect(await unfinished(world), "not selected by this run").toContain("raw/gone.bin");
    const ended = await world.run(["migrate"]);
    expect(ended.stderr).toContain(
      "aborted an upload of an earlier run that is no longer needed: raw/gone.bin",
    );
    expect(await unfinished(world)).toEqual(["raw/theirs.bin"]);
    const doctor = await world.call(["doctor"]);
    expect(doctor.stdout).toContain("1 upload in parts is neither complete nor aborted");
  });

  it("is found and aborted if the process died before it recorded the id", async () => {
    await using world = await createWorld("s3");
    world.write({ "raw/large.bin": randomBytes(2 * PART_BYTES) });
    await killAfter(world, 1);
    const [name = ""] = journalOf(world);
    const path = join(world.folder, "cache", "parquetry", "uploads", name);
    const { state: _, ...record } = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify(record));
    expect((await world.run(["migrate"])).exitCode).toBe(0);
    expect(await unfinished(world)).toEqual([]);
  });

  it("leaves no duplicate behind if the store's first answer was lost", async () => {
    await using world = await createWorld("s3");
    world.write({ "raw/large.bin": randomBytes(2 * PART_BYTES) });
    const reset = { kind: "reset", when: "after-commit" } as const;
    world.server.setFaults([{ operation: "CreateMultipartUpload", nth: 1, fault: reset }]);
    expect((await world.run(["migrate"])).exitCode).toBe(0);
    expect(world.server.requests.count("CreateMultipartUpload")).toBe(2);
    expect(await unfinished(world)).toEqual([]);
  });
});
