import { describe, expect, it } from "vitest";
import {
  createAdaptiveConcurrency,
  MAX_CONCURRENCY,
  MIN_CONCURRENCY,
  START_CONCURRENCY,
} from "./adaptive-concurrency.ts";

/** Copies files, on a simulated clock, to a store whose throughput depends on the concurrency. */
function simulate(
  files: number,
  filesPerSecond: (limit: number) => number,
  load: () => number = () => 0,
): readonly number[] {
  let time = 0;
  const control = createAdaptiveConcurrency({ now: () => time, load });
  const limits: number[] = [];
  for (let i = 0; i < files; i++) {
    time += 1000 / filesPerSecond(control.limit());
    control.done(48_000);
    limits.push(control.limit());
  }
  return limits;
}

describe("createAdaptiveConcurrency", () => {
  it("climbs to the maximum if every further file makes it faster", () => {
    expect(simulate(5000, (limit) => limit / 0.04).at(-1)).toBe(MAX_CONCURRENCY);
  });

  it("keeps its number if more is not faster, and tries more only now and then", () => {
    const limits = simulate(20_000, () => 1000);
    const above = limits.filter((limit) => limit > START_CONCURRENCY);
    expect(limits.at(-1)).toBe(START_CONCURRENCY);
    expect(Math.max(...limits)).toBe(START_CONCURRENCY * 2);
    expect(above.length).toBeLessThan(limits.length / 5);
  });

  it("stops climbing when the store is saturated", () => {
    const limits = simulate(20_000, (limit) => Math.min(limit, 135) / 0.04);
    expect(limits.at(-1)).toBe(START_CONCURRENCY);
  });

  it("does not climb while this thread is busy", () => {
    const limits = simulate(
      20_000,
      (limit) => limit / 0.04,
      () => 0.97,
    );
    expect(Math.max(...limits)).toBe(START_CONCURRENCY);
  });

  it("does not climb because of a push-back", () => {
    const control = createAdaptiveConcurrency({ start: 1, load: () => 0 });
    control.pushBack();
    expect(control.limit()).toBe(1);
  });

  it("halves after a push-back, once per measurement, never below the minimum, and climbs again", () => {
    let time = 0;
    const control = createAdaptiveConcurrency({ now: () => time, load: () => 0 });
    control.pushBack();
    control.pushBack();
    expect(control.limit()).toBe(START_CONCURRENCY / 2);
    for (let i = 0; i < 100; i++) {
      for (let file = 0; file < 64; file++) {
        time += 10;
        control.done(1000);
      }
      control.pushBack();
    }
    expect(control.limit()).toBe(MIN_CONCURRENCY);
    for (let file = 0; file < 20_000; file++) {
      time += 40 / control.limit();
      control.done(1000);
    }
    expect(control.limit()).toBeGreaterThan(16);
  });
});
