import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryPool, type Piece } from "./memory-pool.ts";

const SIZE = 64 * 4096;

/** Waits until the event loop has done its work. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("MemoryPool", () => {
  it("hands out pieces that never overlap, in the order of the calls, and has all memory again at the end", async () => {
    const asks = fc.array(
      fc.record({ length: fc.integer({ min: 0, max: SIZE }), givesBack: fc.nat({ max: 5 }) }),
      { minLength: 1, maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(asks, async (steps) => {
        const pool = new MemoryPool(SIZE);
        const held: Piece[] = [];
        const served: number[] = [];
        const give = (at: number): void => {
          const [piece] = held.splice(at, 1);
          if (piece !== undefined) pool.give(piece);
        };
        for (const [index, { length, givesBack }] of steps.entries()) {
          void pool.take(length).then((piece) => {
            if (piece === undefined) return;
            for (const other of held) {
              const apart =
                piece.offset + piece.length <= other.offset || other.offset + other.length <= piece.offset;
              expect(apart || piece.length === 0 || other.length === 0).toBe(true);
            }
            expect(piece.length).toBe(length);
            expect(piece.offset + piece.length).toBeLessThanOrEqual(SIZE);
            held.push(piece);
            served.push(index);
          });
          await settled();
          for (let i = 0; i < givesBack && held.length > 0; i++) give((index * 7 + i) % held.length);
          await settled();
        }
        while (held.length > 0) {
          give(held.length - 1);
          await settled();
        }
        expect(served).toEqual(steps.map((_, index) => index));
        expect(await pool.take(SIZE)).toEqual({ offset: 0, length: SIZE });
      }),
      { numRuns: 200 },
    );
  });

  it("ends all waiting when it is closed", async () => {
    const pool = new MemoryPool(SIZE);
    const all = await pool.take(SIZE);
    const waiting = pool.take(1);
    pool.close();
    expect(all).toBeDefined();
    expect(await waiting).toBeUndefined();
    expect(await pool.take(1)).toBeUndefined();
  });
});
