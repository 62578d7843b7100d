import { describe, expect, it } from "vitest";
import { createBandwidthLimiter } from "./bandwidth-limiter.ts";

describe("createBandwidthLimiter", () => {
  it("spreads the bytes of all callers over time", async () => {
    let now = 0;
    const waits: number[] = [];
    const limiter = createBandwidthLimiter(1000, {
      now: () => now,
      sleep: async (ms) => {
        waits.push(ms);
      },
    });
    await Promise.all([limiter.take(500), limiter.take(500), limiter.take(1000)]);
    expect(waits).toEqual([500, 1000]);
    now = 5000;
    await limiter.take(100);
    expect(waits).toHaveLength(2);
  });

  it("stops waiting when the signal fires", async () => {
    const limiter = createBandwidthLimiter(1);
    await limiter.take(1000);
    await expect(limiter.take(1, AbortSignal.abort())).rejects.toThrow();
  });
});
