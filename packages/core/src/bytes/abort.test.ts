import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { onAbort, unlessAborted } from "./abort.ts";

it("calls back everyone who still waits, once, by one listener", () => {
  const controller = new AbortController();
  const called: number[] = [];
  const forget = Array.from({ length: 500 }, (_, i) => onAbort(controller.signal, () => called.push(i)));
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
  for (const [i, stop] of forget.entries()) if (i % 100 !== 0) stop();
  controller.abort();
  controller.signal.dispatchEvent(new Event("abort"));
  expect(called).toEqual([0, 100, 200, 300, 400]);
});

it("calls back whoever asks after others have left, and lets a callback take another's back", () => {
  const controller = new AbortController();
  onAbort(controller.signal, () => {})();
  const called: string[] = [];
  let forgetSecond = (): void => {};
  onAbort(controller.signal, () => {
    called.push("first");
    forgetSecond();
  });
  forgetSecond = onAbort(controller.signal, () => called.push("second"));
  controller.abort();
  expect(called).toEqual(["first"]);
});

it("ends a wait as soon as the signal fires, and before it where it has fired", async () => {
  const controller = new AbortController();
  const wait = unlessAborted(new Promise(() => {}), controller.signal);
  controller.abort(new Error("enough"));
  await expect(wait).rejects.toThrow("enough");
  await expect(unlessAborted(new Promise(() => {}), controller.signal)).rejects.toThrow("enough");
  expect(await unlessAborted(Promise.resolve(1), new AbortController().signal)).toBe(1);
});
