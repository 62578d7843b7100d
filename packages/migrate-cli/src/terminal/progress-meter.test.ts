import { describe, expect, it } from "vitest";
import { memoryTree } from "../../test/support/memory-tree.ts";
import { planMigration } from "../plan/plan-migration.ts";
import { createProgressMeter, formatProgress } from "./progress-meter.ts";

describe("createProgressMeter", () => {
  it("folds events into files, bytes, rate and time to go", async () => {
    let now = 0;
    const meter = createProgressMeter(() => now);
    meter.take({ type: "listed", side: "source", objects: 2 });
    meter.take({ type: "read", side: "source", bytes: 1500 });
    now = 1000;
    expect(formatProgress(meter.snapshot())).toBe("listing: 2 files, 1.5 kB read to compare (1.5 kB/s)");
    const plan = await planMigration(
      await memoryTree({ a: "x".repeat(4000), b: "y".repeat(4000) }),
      await memoryTree(),
    );
    meter.take({ type: "planned", plan });
    meter.take({ type: "bytes", bytes: 4000 });
    meter.take({ type: "bytes", bytes: -2000 });
    meter.take({ type: "copied", key: "a", sizeBytes: 4000, durationMs: 1 });
    meter.take({ type: "retry", key: "b", message: "" });
    meter.take({ type: "failed", key: "b", code: "conflict", message: "" });
    now = 2000;
    expect(formatProgress(meter.snapshot())).toBe(
      "2/2 files  2.0/8.0 kB  2.0 kB/s  ETA 3.0 s  retries 1  errors 1",
    );
    expect(meter.snapshot().filesPerSecond).toBe(2);
  });

  it("says what a verification has found to read, and once that is all, how long it takes", () => {
    let now = 0;
    const meter = createProgressMeter(() => now);
    for (const side of ["source", "target"] as const) meter.take({ type: "listed", side, objects: 1000 });
    for (let i = 0; i < 2; i++) meter.take({ type: "toRead", files: 1, bytes: 4000 });
    meter.take({ type: "read", side: "source", bytes: 2000 });
    now = 1000;
    expect(meter.snapshot()).toMatchObject({ bytesTotal: undefined, etaMs: undefined, bytesFound: 8000 });
    expect(formatProgress(meter.snapshot())).toBe(
      "listing: 1,000 files, 2.0 kB of at least 8.0 kB read (2.0 kB/s)",
    );
    meter.take({ type: "listedAll" });
    meter.take({ type: "compared", key: "a" });
    const failure = { key: "b", code: "unavailable", message: "" } as const;
    meter.take({ type: "compared", key: "b", failure });
    expect(formatProgress(meter.snapshot())).toBe(
      "2/2 files  2.0/8.0 kB  2.0 kB/s  ETA 3.0 s  retries 0  errors 1",
    );
  });

  it("stays with the listing where it found nothing to read", () => {
    const meter = createProgressMeter(() => 0);
    meter.take({ type: "listed", side: "target", objects: 3 });
    meter.take({ type: "listedAll" });
    expect(formatProgress(meter.snapshot())).toBe("listing: 3 files");
  });

  it("fits 80 columns with large numbers", () => {
    const line = formatProgress({
      phase: "copying",
      files: 31_857,
      filesTotal: 31_857,
      bytes: 15.3e9,
      bytesTotal: 15.3e9,
      bytesFound: undefined,
      bytesPerSecond: 123.4e6,
      filesPerSecond: 100,
      etaMs: 3_599_000,
      retries: 120,
      errors: 3,
    });
    // The last column stays free: some terminals wrap there.
    expect(line.length).toBeLessThan(80);
    const listing = formatProgress({
      phase: "listing",
      files: 31_857,
      filesTotal: undefined,
      bytes: 999.9e6,
      bytesTotal: undefined,
      bytesFound: 999.9e9,
      bytesPerSecond: 123.4e6,
      filesPerSecond: 100,
      etaMs: undefined,
      retries: 0,
      errors: 0,
    });
    expect(listing.length).toBeLessThan(80);
  });

  it("shows what is finished after Ctrl-C, and the time for it at the rate until then", async () => {
    let now = 0;
    const meter = createProgressMeter(() => now);
    const plan = await planMigration(await memoryTree({ a: "1" }), await memoryTree());
    meter.take({ type: "planned", plan });
    // 32 MB of these have been read ahead and are on their way.
    meter.take({ type: "bytes", bytes: 62e6 });
    now = 10_000;
    meter.take({ type: "finishing", files: 0, parts: 4, bytes: 32e6, restarting: 0 });
    expect(formatProgress(meter.snapshot())).toBe(
      "finishing 4 parts, 32.0 MB, about 11 s; Ctrl-C again stops at once",
    );
    now = 15_000;
    expect(meter.snapshot().etaMs).toBe(5667);
    meter.take({ type: "finishing", files: 1, parts: 1, bytes: 9e6, restarting: 2 });
    expect(formatProgress(meter.snapshot())).toBe(
      "finishing 1 file and 1 part, 9.0 MB, about 3.0 s; 2 files cut off, copied again by the next run; Ctrl-C again stops at once",
    );
    meter.take({ type: "finishing", files: 0, parts: 0, bytes: 0, restarting: 0 });
    expect(formatProgress(meter.snapshot())).toBe("stopping; Ctrl-C again stops at once");
  });
});
