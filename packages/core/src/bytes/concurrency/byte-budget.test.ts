import { describe, expect, it } from "vitest";
import { createByteBudget } from "./byte-budget.ts";

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("createByteBudget", () => {
  it("admits callers in order while they fit", async () => {
    const budget = createByteBudget(10);
    const entered: string[] = [];
    const enter = async (name: string, bytes: number): Promise<() => void> => {
      const release = await budget.take(bytes);
      entered.push(name);
      return release;
    };
    const a = await enter("a", 6);
    const b = enter("b", 6);
    const c = enter("c", 1);
    await tick();
    expect(entered).toEqual(["a"]);
    a();
    a();
    (await b)();
    (await c)();
    expect(entered).toEqual(["a", "b", "c"]);
  });

  it("admits a caller alone that wants more than the budget", async () => {
    const budget = createByteBudget(10);
    const small = await budget.take(1);
    let inside = false;
    const large = budget.take(100).then((release) => {
      inside = true;
      return release;
    });
    await tick();
    expect(inside).toBe(false);
    small();
    (await large)();
    (await budget.take(10))();
  });
});
