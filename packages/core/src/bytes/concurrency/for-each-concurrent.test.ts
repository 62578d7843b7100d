import { describe, expect, it } from "vitest";
import { forEachConcurrent } from "./for-each-concurrent.ts";

async function* numbers(count: number, onReturn: () => void = () => {}): AsyncGenerator<number> {
  try {
    for (let i = 0; i < count; i++) yield i;
  } finally {
    onReturn();
  }
}

describe("forEachConcurrent", () => {
  it("runs the task once for every item, never more than the limit concurrently", async () => {
    const seen: number[] = [];
    let running = 0;
    let most = 0;
    await forEachConcurrent(numbers(50), 7, async (item) => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      seen.push(item);
    });
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(most).toBe(7);
  });

  it("uses the whole part of a limit that has a fraction", async () => {
    let done = 0;
    await forEachConcurrent(
      numbers(20),
      () => 1.5,
      async () => void done++,
    );
    await forEachConcurrent(numbers(20), 0.5, async () => void done++);
    expect(done).toBe(40);
  });

  it("does not let a slow item hold up the others", async () => {
    let letGo: () => void = () => {};
    const slow = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let done = 0;
    await forEachConcurrent(numbers(100), 2, async (item) => {
      if (item === 0) return slow;
      if (++done === 99) letGo();
    });
    expect(done).toBe(99);
  });

  it("takes no further items once it should stop, finishes the running tasks, and closes the items", async () => {
    let stopped = false;
    let closed = false;
    const finished: number[] = [];
    await forEachConcurrent(
      numbers(100, () => {
        closed = true;
      }),
      4,
      async (item) => {
        await new Promise(setImmediate);
        if (item === 10) stopped = true;
        finished.push(item);
      },
      () => stopped,
    );
    expect(closed).toBe(true);
    expect(finished.length).toBeGreaterThan(10);
    expect(finished.length).toBeLessThan(20);
    expect(finished).toContain(10);
  });

  it("throws the first failure after all running tasks have settled", async () => {
    let settled = 0;
    const run = forEachConcurrent(numbers(100), 4, async (item) => {
      if (item === 2) throw new Error("two");
      await new Promise(setImmediate);
      settled++;
    });
    await expect(run).rejects.toThrow("two");
    const before = settled;
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(settled).toBe(before);
    expect(settled).toBeLessThan(20);
  });

  it.each([1e9, Number.MAX_SAFE_INTEGER])(
    "starts no more than there are items, at a limit of %d",
    async (limit) => {
      async function* items(): AsyncGenerator<number> {
        for (let i = 0; i < 50; i++) yield i;
      }
      let running = 0;
      let most = 0;
      await forEachConcurrent(items(), limit, async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 20));
        running--;
      });
      expect(most).toBe(50);
    },
  );
});
