import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Key, parseKey } from "../key.ts";
import { createMemoryBackend } from "../memory-backend.ts";
import { objectBody } from "../object-body.ts";
import type { StorageBackend } from "../storage-backend.ts";
import { StorageError } from "../storage-error.ts";
import { limited } from "./limited.ts";

const KEY = parseKey("a");
const overload = (): StorageError =>
  new StorageError({ code: "rate_limited", op: "head", message: "slow down, please" });

/** A store whose heads end only when the test ends them. */
function gated(): {
  readonly backend: StorageBackend;
  readonly underWay: readonly string[];
  end(key: string, error?: Error): Promise<void>;
} {
  const memory = createMemoryBackend();
  const open = new Map<string, (error?: Error) => void>();
  const underWay: string[] = [];
  const backend: StorageBackend = {
    ...memory,
    head: (key) =>
      new Promise((resolve, reject) => {
        underWay.push(key);
        open.set(key, (error) => {
          underWay.splice(underWay.indexOf(key), 1);
          if (error === undefined) resolve({ key, sizeBytes: 0, etag: "x", lastModified: new Date(0) });
          else reject(error);
        });
      }),
  };
  return {
    backend,
    underWay,
    async end(key, error) {
      open.get(key)?.(error);
      await turn();
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const name = (i: number): Key => parseKey(`k${i}`);

describe("limited", () => {
  it("runs at most the limit, first come, first served", async () => {
    const store = gated();
    const backend = limited(store.backend, { maxConcurrent: 2 });
    const all = Array.from({ length: 5 }, (_, i) => backend.head(name(i)));
    await turn();
    expect(store.underWay).toEqual(["k0", "k1"]);
    await store.end("k1");
    expect(store.underWay).toEqual(["k0", "k2"]);
    await store.end("k0");
    expect(store.underWay).toEqual(["k2", "k3"]);
    for (const key of ["k2", "k3", "k4"]) await store.end(key);
    await Promise.all(all);
  });

  it("never exceeds the limit, which stays within its bounds, whatever fails", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.constantFrom("ok", "overload", "other"), { minLength: 1, maxLength: 60 }),
        async (maxConcurrent, endings) => {
          const store = gated();
          const limits: number[] = [];
          const backend = limited(store.backend, { maxConcurrent, onLimit: (limit) => limits.push(limit) });
          const all = endings.map((_, i) => backend.head(name(i)).catch(() => {}));
          await turn();
          for (const ending of endings) {
            expect(store.underWay.length).toBeGreaterThan(0);
            expect(store.underWay.length).toBeLessThanOrEqual(maxConcurrent);
            const [first = ""] = store.underWay;
            await store.end(
              first,
              ending === "ok" ? undefined : ending === "overload" ? overload() : new Error("other"),
            );
          }
          await Promise.all(all);
          for (const limit of limits) expect(limit >= 1 && limit <= maxConcurrent).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ["rate_limited", undefined, [4]],
    ["unavailable", undefined, [4]],
    ["timeout", "safe", [4]],
    // The caller's own time limit tells nothing about the store.
    ["timeout", "never", []],
    ["not_found", undefined, []],
  ] as const)("takes %s (%s) for an overload or not: %j", async (code, retry, expected) => {
    const store = gated();
    const limits: number[] = [];
    const backend = limited(store.backend, { maxConcurrent: 8, onLimit: (limit) => limits.push(limit) });
    const head = backend.head(name(0)).catch(() => {});
    await turn();
    await store.end("k0", new StorageError({ code, op: "head", retry, message: "no" }));
    await head;
    expect(limits).toEqual(expected);
  });

  it("halves the limit once for one overload and raises it after successes", async () => {
    const store = gated();
    const limits: number[] = [];
    const backend = limited(store.backend, { maxConcurrent: 8, onLimit: (limit) => limits.push(limit) });
    const all = Array.from({ length: 60 }, (_, i) => backend.head(name(i)).catch(() => {}));
    await turn();
    // All eight started before the first answer: together they are one overload.
    for (let i = 0; i < 8; i++) await store.end(`k${i}`, overload());
    expect(limits).toEqual([4]);
    expect(store.underWay).toHaveLength(4);
    for (let i = 8; i < 60; i++) await store.end(`k${i}`);
    await Promise.all(all);
    expect(limits).toEqual([4, 5, 6, 7, 8]);
  });

  it("forgets an operation that is aborted while it waits", async () => {
    const store = gated();
    const backend = limited(store.backend, { maxConcurrent: 1 });
    const first = backend.head(name(0));
    const controller = new AbortController();
    const second = backend.head(name(1), { signal: controller.signal });
    const third = backend.head(name(2));
    await turn();
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: "aborted" });
    await store.end("k0");
    expect(store.underWay).toEqual(["k2"]);
    await store.end("k2");
    await Promise.all([first, third]);
  });

  it("counts a body until it has ended, was dropped or cancelled", async () => {
    const backend = limited(createMemoryBackend(), { maxConcurrent: 1 });
    await backend.put(KEY, new Uint8Array(100));
    for (const finish of ["bytes", "cancel", "break"]) {
      const { body } = await backend.get(KEY);
      if (finish === "bytes") await body.bytes();
      else if (finish === "cancel") await body.cancel();
      else for await (const _ of body) break;
      expect((await backend.head(KEY)).sizeBytes).toBe(100);
    }
  });

  it("does not block a program that reads to write, however low the limit", async () => {
    const backend = limited(createMemoryBackend(), { maxConcurrent: 1 });
    await backend.put(KEY, new Uint8Array(1000));
    // A body opened first, and one opened while the put waits for it; many of both at once.
    await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const { body } = await backend.get(KEY);
        await backend.put(name(i), body);
        await backend.put(name(i + 10), {
          sizeBytes: 1000,
          open: () => lazily(async () => (await backend.get(KEY)).body),
        });
      }),
    );
    for (let i = 0; i < 6; i++) expect((await backend.head(name(i + 10))).sizeBytes).toBe(1000);
  });

  it("is not blocked by a body that nobody ever reads", async () => {
    const backend = limited(createMemoryBackend(), { maxConcurrent: 1 });
    await backend.put(KEY, new Uint8Array(1));
    await backend.get(KEY);
    await backend.get(KEY);
    expect((await backend.head(KEY)).sizeBytes).toBe(1);
  });

  it("frees the place when a body breaks off", async () => {
    const memory = createMemoryBackend();
    await memory.put(KEY, new Uint8Array(10));
    const breaking: StorageBackend = {
      ...memory,
      async get(key, options) {
        const { info } = await memory.get(key, options);
        // biome-ignore lint/correctness/useYield: it breaks before its first byte.
        async function* broken(): AsyncGenerator<Uint8Array> {
          throw overload();
        }
        return { info, body: objectBody(broken(), async () => {}) };
      },
    };
    const limits: number[] = [];
    const backend = limited(breaking, { maxConcurrent: 4, onLimit: (limit) => limits.push(limit) });
    const { body } = await backend.get(KEY);
    await expect(body.bytes()).rejects.toMatchObject({ code: "rate_limited" });
    expect(limits).toEqual([2]);
    await backend.head(KEY);
  });
});

async function* lazily(open: () => Promise<AsyncIterable<Uint8Array>>): AsyncGenerator<Uint8Array> {
  yield* await open();
}
