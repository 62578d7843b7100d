import { hash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, parseKey, type StorageBackend } from "@parquetry/core";
import { abilitiesOf } from "@parquetry/core/backend";
import { openUploadJournal, runMigration } from "@parquetry/migrate-cli";
import { openBackend } from "@parquetry/storage/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** A file that is sent in three parts. */
const CONTENT = randomBytes(20_000_000);
const KEY = parseKey("raw/large");

let folder: string;
let server: S3Server;
let source: StorageBackend;
let target: StorageBackend;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-journal-"));
  server = await startS3Server({ buckets: ["bucket"] });
  const { accessKeyId, secretAccessKey } = server.credentials;
  target = await openBackend("s3://bucket/prefix", {
    env: {
      PARQUETRY_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
  });
  source = createMemoryBackend();
  await source.put(KEY, CONTENT);
});

afterEach(async () => {
  await target.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

type State = Parameters<Parameters<Uploads["upload"]>[2]["onState"]>[0];
type Uploads = NonNullable<ReturnType<typeof abilitiesOf>["resumableUploads"]>;

const uploadsOf = (backend: StorageBackend): Uploads => {
  const { resumableUploads } = abilitiesOf(backend);
  if (resumableUploads === undefined) throw new Error("no uploads");
  return resumableUploads;
};

/** Begins to upload the file, and breaks off after its first part. */
async function interrupted(): Promise<State> {
  let last: State | undefined;
  const body = {
    sizeBytes: CONTENT.length,
    async *open({ start, end } = { start: 0, end: CONTENT.length }) {
      yield CONTENT.subarray(start, end);
    },
  };
  const onState = (state: State): void => {
    last = state;
    if (state.parts.length > 0) throw new Error("broken off");
  };
  await expect(uploadsOf(target).upload(KEY, body, { onState })).rejects.toThrow("broken off");
  if (last === undefined) throw new Error("no state");
  return last;
}

describe("a damaged record of an unfinished upload", () => {
  it.each<[string, (state: State) => unknown, resumes: number, problems: number]>([
    ["is as it was written", (state) => state, 1, 0],
    ["has another ETag for a part", (state) => withPart(state, { etag: "0".repeat(32) }), 1, 0],
    ["has another MD5 for a part", (state) => withPart(state, { md5: hash("md5", "x") }), 1, 0],
    ["has the id of no upload", (state) => ({ ...state, uploadId: "other" }), 1, 0],
    ["has another size", (state) => ({ ...state, sizeBytes: 30_000_000 }), 0, 0],
    ["has parts that are too small", (state) => ({ ...state, partSizeBytes: 100_000 }), 0, 0],
    ["is of a file with a longer name", (state) => ({ ...state, key: `more/${state.key}` }), 1, 0],
    ["has an impossible part", (state) => withPart(state, { number: -1 }), 0, 1],
    ["is of another file", (state) => ({ ...state, key: "prefix/raw/other" }), 0, 1],
  ])("that %s is sent whole and right", async (_, damage, resumed, told) => {
    const state = await interrupted();
    const problems: string[] = [];
    const journal = openUploadJournal(folder, (problem) => problems.push(problem));
    const { etag } = await source.head(KEY);
    const damaged = damage(state);
    // The type forbids what the file may hold.
    const record = { url: target.url(KEY), key: KEY, etag, begunAt: Date.now(), state: damaged as State };
    await journal.set(record);
    let resumes = 0;
    const result = await runMigration(source, target, {
      uploads: journal,
      onProgress: ({ type }) => {
        if (type === "resumed") resumes++;
      },
    });
    expect([result.complete, result.failures.first(1), resumes]).toEqual([true, [], resumed]);
    result.close();
    const { body } = await target.get(KEY);
    expect(Buffer.from(await body.bytes()).equals(CONTENT)).toBe(true);
    expect(journal.records()).toEqual([]);
    expect(problems.length).toBe(told);
    // An upload whose id was lost is not recognised as one of this machine.
    const left = [];
    for await (const { uploadId } of uploadsOf(target).list()) left.push(uploadId);
    expect(left).toEqual((damaged as State).uploadId === state.uploadId ? [] : [state.uploadId]);
  });
});

function withPart(state: State, changed: object): unknown {
  return { ...state, parts: state.parts.map((part) => ({ ...part, ...changed })) };
}
