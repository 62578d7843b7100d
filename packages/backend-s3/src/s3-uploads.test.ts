import { createHash, randomUUID } from "node:crypto";
import {
  abilitiesOf,
  parseKey,
  type ReplayableBody,
  type ResumableUploads,
  type RetryPolicy,
  type StorageBackend,
  type UploadState,
} from "@parquetry/core/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createS3Backend, openS3Backend } from "./s3-backend.ts";
import { S3_PROFILE } from "./s3-profile.ts";

const MIB = 1024 * 1024;
const ONCE: RetryPolicy = { maxAttempts: 1, budgetMs: 1000, baseDelayMs: 1, maxDelayMs: 1 };
const KEY = parseKey("big.bin");
const CONTENT = new Uint8Array(33 * MIB).map((_, i) => (i * 31) >> 3);

function bodyOf(bytes: Uint8Array): ReplayableBody {
  return {
    sizeBytes: bytes.byteLength,
    async *open({ start, end } = { start: 0 }) {
      yield bytes.subarray(start, end);
    },
  };
}

function uploadsOf(bucket: StorageBackend): ResumableUploads {
  const { resumableUploads } = abilitiesOf(bucket);
  if (resumableUploads === undefined) throw new Error("a bucket has resumable uploads");
  return resumableUploads;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("uploads that outlive a failure", () => {
  let server: S3Server;
  let backend: StorageBackend;
  let uploads: ResumableUploads;

  beforeAll(async () => {
    server = await startS3Server({ buckets: ["uploads"] });
  });
  beforeEach(() => {
    server.setFaults([]);
    server.requests.reset();
    const { endpoint, credentials } = server;
    backend = createS3Backend({
      ...{ bucket: "uploads", endpoint, credentials, retry: ONCE },
      prefix: parseKey(randomUUID()),
    });
    uploads = uploadsOf(backend);
  });
  afterAll(() => server.close());

  /** Interrupts an upload after three of five parts, and returns the last state. */
  async function interrupted(): Promise<UploadState> {
    let kept: UploadState | undefined;
    const dead = [4, 5].map((nth) => ({
      operation: "UploadPart" as const,
      nth,
      fault: { kind: "reset" as const, when: "before" as const },
    }));
    server.setFaults(dead);
    await expect(
      uploads.upload(KEY, bodyOf(CONTENT), {
        onState: (state) => {
          kept = JSON.parse(JSON.stringify(state));
        },
      }),
    ).rejects.toMatchObject({ code: "unavailable" });
    server.setFaults([]);
    server.requests.reset();
    if (kept === undefined) throw new Error("there was no state");
    return kept;
  }

  const stored = async (): Promise<string> => sha256(await (await backend.get(KEY)).body.bytes());

  it("resume by sending only what is missing", async () => {
    const resume = await interrupted();
    expect(resume.parts).toHaveLength(3);
    await uploads.upload(KEY, bodyOf(CONTENT), { resume, onState: () => {} });
    expect(server.requests.count("UploadPart")).toBe(2);
    expect(await stored()).toBe(sha256(CONTENT));
  });

  it("send a part again whose content has changed meanwhile", async () => {
    const resume = await interrupted();
    const edited = CONTENT.slice();
    edited[3] = 255;
    await uploads.upload(KEY, bodyOf(edited), { resume, onState: () => {} });
    expect(server.requests.count("UploadPart")).toBe(3);
    expect(await stored()).toBe(sha256(edited));
  });

  it("start again if the store no longer has the upload", async () => {
    const resume = await interrupted();
    for await (const upload of uploads.list()) await uploads.abort(upload);
    // Aborting it again succeeds.
    await uploads.abort({ key: KEY, uploadId: resume.uploadId });
    const states: UploadState[] = [];
    await uploads.upload(KEY, bodyOf(CONTENT), {
      resume,
      onState: (state) => void states.push(state),
    });
    expect(states[0]?.uploadId).not.toBe(resume.uploadId);
    expect(await stored()).toBe(sha256(CONTENT));
  });

  it("recognise an upload that was completed before its process died", async () => {
    let last: UploadState | undefined;
    const onState = (state: UploadState): void => {
      last = state;
    };
    const { etag } = await uploads.upload(KEY, bodyOf(CONTENT), { ifNoneMatch: "*", onState });
    server.requests.reset();
    const again = await uploads.upload(KEY, bodyOf(CONTENT), {
      ifNoneMatch: "*",
      resume: last,
      onState,
    });
    expect(again.etag).toBe(etag);
    expect(server.requests.count("UploadPart")).toBe(0);
  });

  it("refuse a state of another size, and a body with another SHA-256", async () => {
    const resume = await interrupted();
    await expect(
      uploads.upload(KEY, bodyOf(CONTENT.subarray(1)), { resume, onState: () => {} }),
    ).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(
      uploads.upload(KEY, bodyOf(CONTENT), {
        ...{ resume, onState: () => {}, sha256: sha256(new Uint8Array(1)) },
      }),
    ).rejects.toMatchObject({ code: "corrupt" });
    await expect(backend.head(KEY)).rejects.toMatchObject({ code: "not_found" });
  });

  it("are listed by whole segments, with their start", async () => {
    const states: UploadState[] = [];
    for (const name of ["week=1/a", "week=1/b", "week=10/a"]) {
      server.setFaults([{ operation: "UploadPart", fault: { kind: "status", status: 500 } }]);
      const onState = (state: UploadState): void => void states.push(state);
      await uploads.upload(parseKey(name), bodyOf(CONTENT), { onState }).catch(() => {});
    }
    const list = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const { key } of uploads.list(parseKey("week=1"))) keys.push(key);
      return keys;
    };
    expect(await list()).toEqual(["week=1/a", "week=1/b"]);
    for await (const upload of uploads.list(parseKey("week=1"))) await uploads.abort(upload);
    expect(await list()).toEqual([]);
    for await (const { key, startedAt } of uploads.list()) {
      expect(key).toBe("week=10/a");
      expect(Math.abs(startedAt.getTime() - Date.now())).toBeLessThan(600_000);
    }
  });

  it("refuse a stream that is too long, and leave nothing behind", async () => {
    const { endpoint, credentials } = server;
    const small = openS3Backend(
      { ...S3_PROFILE, partBytes: 5 * MIB, maxParts: 2 },
      { bucket: "uploads", endpoint, credentials, retry: ONCE, prefix: parseKey(randomUUID()) },
    );
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield CONTENT;
    }
    await expect(small.put(KEY, stream())).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("sizeBytes"),
    });
    for await (const { key } of uploadsOf(small).list()) expect(key).toBeUndefined();
    await small.put(KEY, bodyOf(CONTENT));
    expect((await small.head(KEY)).sizeBytes).toBe(CONTENT.byteLength);
    expect(server.requests.count("UploadPart")).toBeLessThanOrEqual(4);
  });

  it("leave nothing behind if an ordinary put fails", async () => {
    server.setFaults([
      { operation: "UploadPart", nth: [2, 3, 4, 5], fault: { kind: "reset", when: "during" } },
    ]);
    await expect(backend.put(KEY, CONTENT)).rejects.toMatchObject({ code: "unavailable" });
    for await (const { key } of uploads.list()) expect(key).toBeUndefined();
  });
});
