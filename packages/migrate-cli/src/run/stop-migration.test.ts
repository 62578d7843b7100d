import { type StorageBackend, StorageError, type StorageErrorCode } from "@parquetry/core";
import { objectBody, openBody } from "@parquetry/core/backend";
import { describe, expect, it } from "vitest";
import { counted } from "../../test/support/counted.ts";
import { contents, memoryTree } from "../../test/support/memory-tree.ts";
import { migrate } from "../../test/support/migrate.ts";
import { runMigration } from "./run-migration.ts";
import { WHOLE_BYTES } from "./sent-whole.ts";

describe("stopping a migration", () => {
  it("finishes the files that are being copied, and a second run copies the rest", async () => {
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, `${i}`]));
    const source = await memoryTree(files);
    const target = counted(await memoryTree());
    const stop = new AbortController();
    const first = await migrate(source, target.backend, {
      concurrency: 3,
      stopSignal: stop.signal,
      onProgress: (event) => {
        if (event.type === "copied") stop.abort();
      },
    });
    expect(first).toMatchObject({ stopped: "interrupted", complete: false });
    expect(first.copied.files).toBe(Object.keys(await contents(target.backend)).length);
    expect(first.copied.files).toBeLessThan(10);
    const second = await migrate(source, target.backend);
    expect(second).toMatchObject({ complete: true, copied: { files: 40 - first.copied.files } });
    expect(target.calls["put"]).toBe(40);
    expect(await contents(target.backend)).toEqual(files);
  });

  it("does not start files that were waiting for memory, after a stop or too many failures", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`f${i}`, "x".repeat(WHOLE_BYTES)]),
    );
    const source = await memoryTree(files);
    const stop = new AbortController();
    const stopped = await migrate(source, await memoryTree(), {
      concurrency: 20,
      stopSignal: stop.signal,
      onProgress: (event) => {
        if (event.type === "copied") stop.abort();
      },
    });
    expect(stopped.stopped).toBe("interrupted");
    expect(stopped.copied.files).toBeLessThan(10);
    const full = await memoryTree();
    const put: StorageBackend["put"] = async (key) => {
      throw new StorageError({ code: "corrupt", op: "put", path: key, message: "no" });
    };
    const failed = await migrate(source, { ...full, put }, { concurrency: 20, maxErrors: 2 });
    expect(failed.stopped).toBe("max_errors");
    expect(failed.failures.length).toBeLessThan(10);
  });

  it("stops immediately when the signal fires", async () => {
    const source = await memoryTree({ a: "1", b: "2" });
    const abort = new AbortController();
    const run = runMigration(source, await memoryTree(), {
      signal: abort.signal,
      concurrency: 1,
      onProgress: (event) => {
        if (event.type === "planned") abort.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "aborted" });
  });

  it.each([1, 64])("stops after exactly maxErrors failures, %i at a time", async (concurrency) => {
    const source = await memoryTree(manyFiles(100));
    const failed: string[] = [];
    const target = await failingTarget(() => "corrupt");
    const result = await migrate(source, target, {
      concurrency,
      maxErrors: 5,
      onProgress: (event) => {
        if (event.type === "failed") failed.push(event.key);
      },
    });
    expect(result).toMatchObject({ stopped: "max_errors", failures: { length: 5 } });
    expect(failed).toHaveLength(5);
    // The others are pending, not lost.
    let pending = 0;
    for await (const _ of result.pending()) pending++;
    expect(pending).toBe(100);
  });

  it.each<[StorageErrorCode, string | undefined]>([
    ["unauthenticated", "ExpiredToken"],
    ["unauthenticated", "RequestTimeTooSkewed"],
    ["unauthenticated", "AccountProblem"],
    ["not_found", "NoSuchBucket"],
    ["not_found", "ENOENT"],
    ["unavailable", "ENOSPC"],
    ["unavailable", "EDQUOT"],
    ["unavailable", "InsufficientStorage"],
    ["unavailable", "QuotaExceeded"],
    ["permission_denied", "EROFS"],
    ["permission_denied", "KMS.DisabledException"],
  ])(
    "stops at the first %s (%s), also in the middle of a run, and reports it once",
    async (code, storeCode) => {
      for (const concurrency of [1, 64]) {
        for (const sound of [0, 30]) {
          const source = await memoryTree(manyFiles(100));
          let puts = 0;
          const target = await failingTarget(() => (++puts > sound ? code : undefined), storeCode);
          const result = await migrate(source, target, { concurrency });
          expect(result).toMatchObject({ stopped: "hopeless", hopeless: { code, storeCode } });
          expect(result.failures.length).toBe(1);
          expect(result.copied.files).toBe(sound);
          expect(puts).toBeLessThanOrEqual(sound + concurrency);
        }
      }
    },
  );

  it("reports writes that the target forbids once, and stops after a few files", async () => {
    for (const concurrency of [1, 64]) {
      const source = await memoryTree(manyFiles(300));
      let puts = 0;
      const target = await failingTarget(() => {
        puts++;
        return "permission_denied";
      });
      const result = await migrate(source, target, { concurrency });
      expect(result).toMatchObject({ stopped: "hopeless", failures: { length: 1 }, copied: { files: 0 } });
      expect(puts).toBeLessThanOrEqual(10 + concurrency);
    }
  });

  it("copies the rest if the target forbids one folder alone, and names each of its files", async () => {
    for (const concurrency of [1, 64]) {
      const files = { ...manyFiles(20), ...Object.fromEntries([1, 2, 3].map((i) => [`a/${i}`, `${i}`])) };
      const source = await memoryTree(files);
      const target = await failingTarget((key) => (key.startsWith("a/") ? "permission_denied" : undefined));
      const result = await migrate(source, target, { concurrency });
      expect(result.stopped).toBeUndefined();
      expect(result.failures.length).toBe(3);
      expect(result.copied.files).toBe(20);
    }
  });

  it("stops in the middle if ten writes in a row are forbidden", async () => {
    const source = await memoryTree(manyFiles(100));
    let puts = 0;
    const target = await failingTarget(() => (++puts > 20 ? "permission_denied" : undefined));
    const result = await migrate(source, target, { concurrency: 1 });
    expect(result).toMatchObject({ stopped: "hopeless", failures: { length: 10 }, copied: { files: 20 } });
  });

  it.each([0.5, 1.5, 2.0000001, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    "rejects concurrency %d",
    async (concurrency) => {
      const run = runMigration(await memoryTree(), await memoryTree(), { concurrency });
      await expect(run).rejects.toMatchObject({ code: "invalid_argument" });
    },
  );

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    "rejects bytesPerSecond %d",
    async (bytesPerSecond) => {
      const run = runMigration(await memoryTree(), await memoryTree(), { bytesPerSecond });
      await expect(run).rejects.toMatchObject({ code: "invalid_argument" });
    },
  );

  it("gives up a large file that cannot be resumed, at once, and copies it again in the next run", async () => {
    const large = "x".repeat(3 * WHOLE_BYTES);
    const source = await memoryTree({ large, small: "1" });
    const sound = await memoryTree();
    const stop = new AbortController();
    let received = 0;
    const target: StorageBackend = {
      ...sound,
      put: (key, body, options) =>
        sound.put(
          key,
          body instanceof Uint8Array
            ? body
            : (async function* () {
                for await (const chunk of openBody(body)) {
                  received += chunk.byteLength;
                  stop.abort();
                  yield chunk;
                }
              })(),
          options,
        ),
    };
    const slow: StorageBackend = {
      ...source,
      async get(key, options) {
        const { info, body } = await source.get(key, options);
        async function* chunks(): AsyncGenerator<Uint8Array> {
          for await (const chunk of body)
            for (let at = 0; at < chunk.byteLength; at += 65_536) yield chunk.subarray(at, at + 65_536);
        }
        return { info, body: objectBody(chunks(), () => body.cancel()) };
      },
    };
    const finishing: unknown[] = [];
    const first = await migrate(slow, target, {
      stopSignal: stop.signal,
      onProgress: (event) => {
        if (event.type === "finishing") finishing.push(event);
      },
    });
    expect(first).toMatchObject({ stopped: "interrupted", failures: { length: 0 } });
    expect(finishing[0]).toMatchObject({ restarting: 1, parts: 0 });
    expect(received).toBeLessThan(WHOLE_BYTES);
    expect(Object.keys(await contents(sound))).not.toContain("large");
    const second = await migrate(source, sound);
    expect(second.complete).toBe(true);
    expect((await contents(sound))["large"]).toBe(large);
  });
});

function manyFiles(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, `${i}`]));
}

/** A target whose puts fail as `codeOf` says. */
async function failingTarget(
  codeOf: (key: string) => StorageErrorCode | undefined,
  storeCode?: string,
): Promise<StorageBackend> {
  const target = await memoryTree();
  return {
    ...target,
    async put(key, body, options) {
      const code = codeOf(key);
      if (code === undefined) return target.put(key, body, options);
      throw new StorageError({ code, op: "put", path: key, storeCode, retry: "never", message: "no" });
    },
  };
}
