import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Clock, createBandwidthLimiter } from "./bandwidth-limiter.ts";

interface FakeClock extends Clock {
  /** Lets time pass; timers fire up to `lateMs` late. */
  run(untilMs: number, lateMs: () => number): Promise<void>;
}

function fakeClock(): FakeClock {
  let time = 0;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  return {
    now: () => time,
    setTimer(ms, callback) {
      const timer = { at: time + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async run(untilMs, lateMs) {
      for (;;) {
        // A transfer that was admitted asks again before the clock advances.
        await new Promise((resolve) => setImmediate(resolve));
        const [next] = [...timers].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > untilMs) break;
        timers.delete(next);
        time = Math.max(time, next.at + lateMs());
        next.callback();
      }
      time = Math.max(time, untilMs);
    },
  };
}

/** The most bytes that moved in any period of this length. */
function mostIn(windowMs: number, moved: readonly { readonly at: number; readonly bytes: number }[]): number {
  let most = 0;
  for (const { at: from } of moved) {
    const sum = moved.reduce(
      (all, { at, bytes }) => all + (at >= from && at < from + windowMs ? bytes : 0),
      0,
    );
    most = Math.max(most, sum);
  }
  return most;
}

describe("createBandwidthLimiter", () => {
  it("keeps any 2 s within 10 % of the rate, for any callers, rates, refunds and late timers", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 100_000_000 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (rate, callers, shares, late, refunds) => {
          const clock = fakeClock();
          const limiter = createBandwidthLimiter(rate, clock);
          const moved: { at: number; bytes: number }[] = [];
          let isOver = false;
          const caller = async (first: number): Promise<void> => {
            for (let i = first; !isOver; i++) {
              const bytes = Math.max(1, Math.floor((shares[i % shares.length] ?? 1) * limiter.sliceBytes));
              await limiter.take(bytes);
              // A transfer can turn out smaller than what it reserved.
              const used = refunds && i % 3 === 0 ? Math.ceil(bytes / 2) : bytes;
              if (used < bytes) limiter.charge(used - bytes);
              moved.push({ at: clock.now(), bytes: used });
            }
          };
          for (let i = 0; i < callers; i++) void caller(i);
          let turn = 0;
          await clock.run(6000, () => late[turn++ % late.length] ?? 0);
          isOver = true;
          const total = moved.reduce((sum, { bytes }) => sum + bytes, 0);
          expect(mostIn(2000, moved)).toBeLessThanOrEqual(2 * rate * 1.1 + 1);
          // And the rate is used, except for what late timers cost beyond what may be made up for.
          expect(total).toBeGreaterThan(6 * rate * 0.9 - limiter.sliceBytes);
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  it("counts bytes that moved without a turn", async () => {
    const clock = fakeClock();
    const limiter = createBandwidthLimiter(1000, clock);
    limiter.charge(1050);
    let isIn = false;
    void limiter.take(1).then(() => {
      isIn = true;
    });
    await clock.run(990, () => 0);
    expect(isIn).toBe(false);
    await clock.run(1001, () => 0);
    expect(isIn).toBe(true);
  });

  it("admits in order, and forgets a caller whose signal fires", async () => {
    const clock = fakeClock();
    const limiter = createBandwidthLimiter(1000, clock);
    await limiter.take(1050);
    const abort = new AbortController();
    const order: string[] = [];
    const lost = limiter.take(5000, abort.signal);
    void limiter.take(1).then(() => order.push("second"));
    void limiter.take(1).then(() => order.push("third"));
    abort.abort(new Error("stop"));
    await expect(lost).rejects.toThrow("stop");
    await expect(limiter.take(1, AbortSignal.abort())).rejects.toThrow();
    await clock.run(1100, () => 0);
    expect(order).toEqual(["second", "third"]);
  });
});
