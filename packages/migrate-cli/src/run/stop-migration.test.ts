import { type StorageBackend, StorageError } from "@parquetry/core";
import { describe, expect, it } from "vitest";
import { counted } from "../../test/support/counted.ts";
import { contents, memoryTree } from "../../test/support/memory-tree.ts";
import { migrate } from "../../test/support/migrate.ts";
import type { MigrationResult } from "./migration-result.ts";
import { runMigration } from "./run-migration.ts";
import { WHOLE_BYTES } from "./send-file.ts";

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

  it("stops after maxErrors failures, and earlier if no file can succeed", async () => {
    const files = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, `${i}`]));
    const source = await memoryTree(files);
    const failing = async (
      code: "permission_denied" | "unauthenticated" | "corrupt",
      concurrency = 1,
    ): Promise<MigrationResult> => {
      const target = await memoryTree();
      return migrate(
        source,
        {
          ...target,
          put: async (key) => {
            throw new StorageError({ code, op: "put", path: key, message: "no" });
          },
        },
        { concurrency, maxErrors: 20 },
      );
    };
    const corrupt = await failing("corrupt");
    expect(corrupt.stopped).toBe("max_errors");
    expect(corrupt.failures.length).toBe(20);
    const denied = await failing("permission_denied");
    expect(denied.stopped).toBe("hopeless");
    expect(denied.failures.length).toBe(10);
    // Files that are being copied are not reported as well.
    expect((await failing("permission_denied", 64)).failures.length).toBe(10);
    expect((await failing("unauthenticated")).failures.length).toBe(1);
  });
});
