import { describe, expect, it } from "vitest";
import { SPOOL_MEMORY_ITEMS } from "../spool/spool.ts";
import { listAhead } from "./list-ahead.ts";

async function* numbers(count: number): AsyncGenerator<number[]> {
  for (let i = 0; i < count; i++) yield [i];
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("listAhead", () => {
  it("draws all items before the first one is used, and yields them in order", async () => {
    const count = 2 * SPOOL_MEMORY_ITEMS;
    let known = 0;
    let isWhole = false;
    const seen: number[] = [];
    let batches = 0;
    const ahead = listAhead(numbers(count), {
      take: (item) => {
        known++;
        return item;
      },
      onEnd: () => {
        isWhole = true;
      },
    });
    for await (const items of ahead) {
      if (seen.length === 0) {
        while (!isWhole) await turn();
        expect(known).toBe(count);
      }
      seen.push(...items);
      batches++;
    }
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => i));
    // Those from the file as well, since the files of a batch are hashed together.
    expect(batches).toBeLessThan(count / 50);
  });

  it("waits for slow items", async () => {
    async function* slow(): AsyncGenerator<number[]> {
      for await (const item of numbers(5)) {
        await turn();
        await turn();
        yield item;
      }
    }
    const seen: number[] = [];
    for await (const items of listAhead(slow(), { take: (item) => item, onEnd: () => {} }))
      seen.push(...items);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it("leaves out items that are not taken", async () => {
    const seen: number[] = [];
    const take = (item: number): number | undefined => (item % 2 === 0 ? item : undefined);
    for await (const items of listAhead(numbers(5), { take, onEnd: () => {} })) seen.push(...items);
    expect(seen).toEqual([0, 2, 4]);
  });

  it("throws the error of the listing without yielding the waiting items first", async () => {
    async function* broken(): AsyncGenerator<number[]> {
      yield* numbers(3);
      throw new Error("the listing broke off");
    }
    const seen: number[] = [];
    const use = async (): Promise<void> => {
      for await (const items of listAhead(broken(), { take: (item) => item, onEnd: () => seen.push(-1) })) {
        seen.push(...items);
        await turn();
      }
    };
    await expect(use()).rejects.toThrow("the listing broke off");
    expect(seen).toEqual([0]);
  });

  it("stops drawing when its reader stops", async () => {
    let drawn = 0;
    let isClosed = false;
    async function* endless(): AsyncGenerator<number[]> {
      try {
        for (;;) {
          await turn();
          yield [drawn++];
        }
      } finally {
        isClosed = true;
      }
    }
    for await (const _ of listAhead(endless(), { take: (item) => item, onEnd: () => {} })) break;
    expect(isClosed).toBe(true);
  });
});
