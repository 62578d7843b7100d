import {
  createMemoryBackend,
  isStorageError,
  parseKey,
  type StorageBackend,
  StorageError,
} from "@parquetry/core";
import { DEFAULT_RETRY_POLICY, listObjects, type RetryPolicy, retrying } from "@parquetry/core/backend";
import { describe, expect, it } from "vitest";
import { type FaultPlan, faulty } from "../src/faulty.ts";

const KEY = parseKey("a/b");
const POLICY: RetryPolicy = { ...DEFAULT_RETRY_POLICY, maxAttempts: 4, baseDelayMs: 1, maxDelayMs: 2 };

function failure(
  code: "unavailable" | "rate_limited" | "outcome_unknown" | "permission_denied",
): StorageError {
  return new StorageError({ code, op: "test", message: `a planned ${code}.` });
}

async function filled(plan: FaultPlan): Promise<StorageBackend> {
  const memory = createMemoryBackend();
  await memory.put(KEY, new Uint8Array(1000).fill(7));
  return retrying(faulty(memory, plan), POLICY);
}

describe("retrying", () => {
  it("repeats what is safe to repeat until it succeeds", async () => {
    const backend = await filled(({ nth }) =>
      nth < 4 ? { when: "before", error: failure("unavailable") } : undefined,
    );
    expect((await backend.head(KEY)).sizeBytes).toBe(1000);
  });

  it("gives up after its attempts and reports their number", async () => {
    const backend = await filled(() => ({ when: "before", error: failure("rate_limited") }));
    const error: unknown = await backend.head(KEY).catch((thrown: unknown) => thrown);
    expect(isStorageError(error, "rate_limited") && error.attempts).toBe(4);
    expect(String(error)).toContain("Tried 4 times");
  });

  it.each(["permission_denied", "outcome_unknown"] as const)("never repeats %s", async (code) => {
    let calls = 0;
    const backend = await filled(() => {
      calls++;
      return { when: "before", error: failure(code) };
    });
    await expect(backend.put(KEY, new Uint8Array())).rejects.toMatchObject({ code });
    expect(calls).toBe(1);
  });

  it("resumes a body where it broke off, however often", async () => {
    const ranges: number[] = [];
    const backend = await filled(({ op, nth }) => {
      ranges.push(nth);
      return op === "get" && nth < 6
        ? { when: "body", afterBytes: 150, error: failure("unavailable") }
        : undefined;
    });
    const { body } = await backend.get(KEY);
    const bytes = await body.bytes();
    expect(bytes).toEqual(Buffer.alloc(1000, 7));
    expect(ranges).toHaveLength(6);
  });

  it("counts attempts and time from the last progress, so that a long body is resumed at any time", async () => {
    const memory = createMemoryBackend();
    await memory.put(KEY, new Uint8Array(1000).fill(7));
    const plan: FaultPlan = ({ op, nth }) =>
      op === "get" && nth < 20 ? { when: "body", afterBytes: 50, error: failure("unavailable") } : undefined;
    const policy = { ...POLICY, maxAttempts: 2, budgetMs: 1000, baseDelayMs: 0 };
    const { body } = await retrying(faulty(memory, plan), policy).get(KEY);
    let received = 0;
    for await (const chunk of body) {
      received += chunk.byteLength;
      // Together these take longer than the budget.
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(received).toBe(1000);
  });

  it("keeps the store's own code when it gives up", async () => {
    const error = new StorageError({
      code: "unavailable",
      op: "head",
      storeCode: "ServiceUnavailable",
      message: "a planned failure.",
    });
    const backend = await filled(() => ({ when: "before", error }));
    const thrown: unknown = await backend.head(KEY).catch((reason: unknown) => reason);
    expect(thrown).toMatchObject({ storeCode: "ServiceUnavailable", attempts: 4 });
    expect(JSON.parse(JSON.stringify(thrown))).toMatchObject({ storeCode: "ServiceUnavailable" });
  });

  it("never joins two versions of an object", async () => {
    const memory = createMemoryBackend();
    await memory.put(KEY, new Uint8Array(1000).fill(1));
    const plan: FaultPlan = ({ nth }) =>
      nth === 1 ? { when: "body", afterBytes: 300, error: failure("unavailable") } : undefined;
    const { body } = await retrying(faulty(memory, plan), POLICY).get(KEY);
    await memory.put(KEY, new Uint8Array(1000).fill(2));
    await expect(body.bytes()).rejects.toMatchObject({ code: "precondition_failed" });
  });

  it("does not repeat a put whose body can be read only once", async () => {
    let calls = 0;
    const backend = await filled(({ op }) => {
      if (op === "put") calls++;
      return op === "put" ? { when: "before", error: failure("unavailable") } : undefined;
    });
    async function* once(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
    }
    await expect(backend.put(KEY, once())).rejects.toMatchObject({ code: "unavailable" });
    expect(calls).toBe(1);
  });

  it("resumes a listing after the last page that arrived", async () => {
    const memory = createMemoryBackend();
    for (let i = 0; i < 2500; i++)
      await memory.put(parseKey(`l/${String(i).padStart(4, "0")}`), new Uint8Array());
    const plan: FaultPlan = ({ nth }) =>
      nth < 3 ? { when: "body", afterPages: 1, error: failure("unavailable") } : undefined;
    const keys: string[] = [];
    for await (const { key } of listObjects(retrying(faulty(memory, plan), POLICY))) keys.push(key);
    expect(keys).toHaveLength(2500);
    expect(new Set(keys).size).toBe(2500);
  });

  it("stops waiting when the caller aborts", async () => {
    const backend = retrying(
      faulty(createMemoryBackend(), () => ({ when: "before", error: failure("unavailable") })),
      { ...POLICY, baseDelayMs: 60_000, maxDelayMs: 60_000, budgetMs: 600_000 },
    );
    const controller = new AbortController();
    const call = backend.head(KEY, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "aborted" });
  });
});
