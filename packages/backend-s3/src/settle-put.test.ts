import { createHash, randomUUID } from "node:crypto";
import { isStorageError, type Key, parseKey, type StorageBackend } from "@parquetry/core";
import type { RetryPolicy } from "@parquetry/core/backend";
import { type S3FaultRule, type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createR2Backend, createS3Backend } from "./s3-backend.ts";

const BUCKET = "conditions";
const MIB = 1024 * 1024;
const QUICK: RetryPolicy = { maxAttempts: 6, budgetMs: 20_000, baseDelayMs: 1, maxDelayMs: 20 };
const SMALL = new TextEncoder().encode("mine");
/** Two parts. */
const LARGE = new Uint8Array(9 * MIB).fill(7);

/** Faults that the first request meets. */
const FAULTS: Readonly<Record<string, S3FaultRule["fault"]>> = {
  "reset before": { kind: "reset", when: "before" },
  "reset during": { kind: "reset", when: "during" },
  "reset after commit": { kind: "reset", when: "after-commit" },
  "reply dropped after commit": { kind: "drop-reply" },
  "503": { kind: "status", status: 503 },
  "500": { kind: "status", status: 500 },
  "409": { kind: "status", status: 409 },
  "a flipped byte": { kind: "flip-byte" },
};

describe.each(["s3", "r2"] as const)("%s: conditional writes through faults", (profile) => {
  let server: S3Server;
  let backend: StorageBackend;
  let key: Key;

  beforeAll(async () => {
    server = await startS3Server({ buckets: [BUCKET], profile });
    const options = {
      bucket: BUCKET,
      endpoint: server.endpoint,
      credentials: server.credentials,
      retry: QUICK,
    };
    backend = profile === "s3" ? createS3Backend(options) : createR2Backend(options);
  });
  beforeEach(() => {
    server.setFaults([]);
    key = parseKey(randomUUID());
  });
  afterAll(async () => {
    await backend.close();
    await server.close();
  });

  const text = async (): Promise<string> =>
    new TextDecoder().decode(await (await backend.get(key)).body.bytes());

  /** The request that commits, of a body in one piece and of one in parts. */
  const bodies = [
    ["one piece", SMALL, "PutObject"],
    ["parts", LARGE, "CompleteMultipartUpload"],
  ] as const;

  for (const [what, body, operation] of bodies) {
    for (const [name, fault] of Object.entries(FAULTS)) {
      // A small body shows the differences between S3 and R2 as well.
      if (body === LARGE && profile === "r2" && fault.kind !== "drop-reply") continue;
      it(`wins a create by ${what} through: ${name}`, async () => {
        server.setFaults([{ operation, key, nth: 1, fault }]);
        const { etag, sizeBytes } = await backend.put(key, body, { ifNoneMatch: "*" });
        expect(sizeBytes).toBe(body.byteLength);
        expect((await backend.head(key)).etag).toBe(etag);
        await expect(backend.put(key, SMALL, { ifNoneMatch: "*" })).rejects.toMatchObject({
          code: "already_exists",
        });
      });

      it(`loses a create by ${what} through: ${name}`, async () => {
        await backend.put(key, new TextEncoder().encode("theirs"), { ifNoneMatch: "*" });
        server.setFaults([{ operation, key, nth: 1, fault }]);
        await expect(backend.put(key, body, { ifNoneMatch: "*" })).rejects.toMatchObject({
          code: "already_exists",
        });
        expect(await text()).toBe("theirs");
      });

      it(`wins, then loses a replacement by ${what} through: ${name}`, async () => {
        const first = await backend.put(key, new TextEncoder().encode("first"));
        server.setFaults([{ operation, key, nth: 1, fault }]);
        const { etag } = await backend.put(key, body, { ifMatch: first.etag });
        expect((await backend.head(key)).etag).toBe(etag);
        server.setFaults([{ operation, key, nth: 1, fault }]);
        await expect(backend.put(key, SMALL, { ifMatch: first.etag })).rejects.toMatchObject({
          code: "precondition_failed",
        });
      });
    }
  }

  it("wins after a lost reply, a 409 and a 503", async () => {
    server.setFaults([
      { operation: "PutObject", key, nth: 1, fault: { kind: "reset", when: "before" } },
      { operation: "PutObject", key, nth: 2, fault: { kind: "status", status: 409 } },
      { operation: "PutObject", key, nth: 3, fault: { kind: "status", status: 503 } },
    ]);
    await backend.put(key, SMALL, { ifNoneMatch: "*" });
    expect(await text()).toBe("mine");
    expect(server.requests.count("PutObject")).toBeGreaterThanOrEqual(4);
  });

  it("recognises its own write if every reply is lost", async () => {
    server.setFaults([{ operation: "PutObject", key, fault: { kind: "drop-reply" } }]);
    await backend.put(key, SMALL, { ifNoneMatch: "*" });
    expect(await text()).toBe("mine");
  });

  it("reports outcome_unknown, not a lost write, if no request ever arrives", async () => {
    server.setFaults([{ operation: "PutObject", key, fault: { kind: "reset", when: "before" } }]);
    await expect(backend.put(key, SMALL, { ifNoneMatch: "*" })).rejects.toMatchObject({
      code: "outcome_unknown",
    });
  });

  it("reports outcome_unknown if the reply is lost and the object cannot be looked up", async () => {
    server.setFaults([
      { operation: "PutObject", key, nth: 1, fault: { kind: "drop-reply" } },
      { operation: "HeadObject", key, fault: { kind: "status", status: 503 } },
    ]);
    await expect(backend.put(key, SMALL, { ifNoneMatch: "*" })).rejects.toMatchObject({
      code: "outcome_unknown",
    });
    server.setFaults([]);
    expect(await text()).toBe("mine");
  });

  it("reports outcome_unknown if a write whose reply was lost is replaced before it can be looked up", async () => {
    server.setFaults([
      { operation: "PutObject", key, nth: 1, fault: { kind: "drop-reply" } },
      { operation: "HeadObject", key, nth: 1, fault: { kind: "status", status: 503, retryAfterSeconds: 1 } },
    ]);
    const put = backend.put(key, SMALL, { ifNoneMatch: "*" });
    const outcome = put.catch((error: unknown) => error);
    for (;;) {
      const found = await backend.get(key).catch(() => undefined);
      if (found === undefined) continue;
      await found.body.cancel();
      await backend.put(key, new TextEncoder().encode("theirs"), { ifMatch: found.info.etag });
      break;
    }
    expect(isStorageError(await outcome, "outcome_unknown")).toBe(true);
    expect(await text()).toBe("theirs");
  });

  it("recognises its own write that the store commits after the client gave up", async () => {
    const hasty = createS3Backend({
      bucket: BUCKET,
      region: server.region,
      endpoint: server.endpoint,
      credentials: server.credentials,
      retry: { ...QUICK, maxAttempts: 40, baseDelayMs: 50, maxDelayMs: 200 },
      stallTimeoutMs: 300,
    });
    // The server executes the request long after the client has closed the connection and looked up the object.
    server.setFaults([{ operation: "PutObject", key, nth: [1, 2], fault: { kind: "latency", ms: 700 } }]);
    await hasty.put(key, SMALL, { ifNoneMatch: "*" });
    expect(await text()).toBe("mine");
    await hasty.close();
  });

  it("aborts at once half-way through a put, and the object is whole or missing", async () => {
    for (const body of [SMALL, LARGE]) {
      server.setFaults([{ key, fault: { kind: "latency", ms: 400 } }]);
      const controller = new AbortController();
      const put = backend.put(key, body, { ifNoneMatch: "*", signal: controller.signal });
      setTimeout(() => controller.abort(), 100);
      await expect(put).rejects.toMatchObject({ code: "aborted" });
      server.setFaults([]);
      const found = await backend.head(key).catch((error: unknown) => error);
      if (!isStorageError(found, "not_found")) expect(found).toMatchObject({ sizeBytes: body.byteLength });
      for await (const { error } of backend.delete([key])) expect(error).toBeUndefined();
    }
  });

  it("lets exactly one of eight racing writers win through faults, and reports the truth to each", async () => {
    for (let round = 0; round < 6; round++) {
      const raced = parseKey(`race/${randomUUID()}`);
      server.setFaults(
        (["reset before", "reset after commit", "reply dropped after commit", "503"] as const).map(
          (name, i) => ({
            operation: "PutObject",
            probability: 0.12,
            seed: round * 10 + i,
            fault: FAULTS[name] ?? { kind: "drop-reply" },
          }),
        ),
      );
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          try {
            await backend.put(raced, new TextEncoder().encode(`racer ${i}`), { ifNoneMatch: "*" });
            return "won";
          } catch (error) {
            return isStorageError(error) ? error.code : String(error);
          }
        }),
      );
      server.setFaults([]);
      const stored = new TextDecoder().decode(await (await backend.get(raced)).body.bytes());
      expect(outcomes.filter((outcome) => outcome === "won")).toHaveLength(1);
      expect(stored).toBe(`racer ${outcomes.indexOf("won")}`);
      expect(new Set(outcomes)).toEqual(new Set(["won", "already_exists"]));
    }
  });

  it("stores a large body unchanged through faults of its parts", async () => {
    server.setFaults([
      { operation: "UploadPart", key, nth: [1, 2], fault: { kind: "reset", when: "during" } },
      { operation: "UploadPart", key, nth: 3, fault: { kind: "drop-reply" } },
    ]);
    await backend.put(key, LARGE, { ifNoneMatch: "*" });
    const found = createHash("sha256")
      .update(await (await backend.get(key)).body.bytes())
      .digest("hex");
    expect(found).toBe(createHash("sha256").update(LARGE).digest("hex"));
  });
});
