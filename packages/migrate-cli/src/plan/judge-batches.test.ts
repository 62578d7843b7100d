import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeBatches } from "./judge-batches.ts";

async function* batchesOf<T>(batches: readonly (readonly T[])[]): AsyncGenerator<readonly T[]> {
  yield* batches;
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};

describe("judgeBatches", () => {
  it("yields every verdict once, in the order of the items, with at most `limit` running", async () => {
    // 0 is judged without a promise, n takes n turns.
    const batches = fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 4 }), async (items, limit) => {
        let running = 0;
        let most = 0;
        const judge = (n: number): number | Promise<number> => {
          if (n === 0) return 0;
          most = Math.max(most, ++running);
          return turns(n).then(() => {
            running--;
            return n;
          });
        };
        const found: number[] = [];
        for await (const batch of judgeBatches(batchesOf(items), limit, judge)) found.push(...batch);
        expect(found).toEqual(items.flat());
        expect(most).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 50 },
    );
  });

  it("lets a bounded number of verdicts wait behind one that takes long", async () => {
    let judged = 0;
    let release: (verdict: number) => void = () => {};
    const judge = (n: number): number | Promise<number> => {
      judged++;
      return n > 0 ? n : new Promise((resolve) => (release = resolve));
    };
    const items = Array.from({ length: 5000 }, (_, i) => i);
    const all = (async () => {
      const found: number[] = [];
      for await (const batch of judgeBatches(batchesOf([items]), 8, judge)) found.push(...batch);
      return found;
    })();
    await turns(5);
    expect(judged).toBe(1000);
    release(0);
    expect(await all).toEqual(items);
  });

  it("throws the first failure after the running calls have settled, and ends the batches", async () => {
    let settled = 0;
    let isClosed = false;
    async function* batches(): AsyncGenerator<readonly number[]> {
      try {
        for (let i = 0; ; i += 2) yield [i, i + 1];
      } finally {
        isClosed = true;
      }
    }
    const judge = async (n: number): Promise<number> => {
      await turns(n === 1 ? 1 : 5);
      settled++;
      if (n === 1) throw new Error("item 1 failed");
      return n;
    };
    const all = (async () => {
      for await (const _ of judgeBatches(batches(), 4, judge));
    })();
    await expect(all).rejects.toThrow("item 1 failed");
    expect(isClosed).toBe(true);
    const before = settled;
    await turns(20);
    expect(settled).toBe(before);
  });
});
