import { setImmediate } from "node:timers/promises";

/** How long other work of this process waits at most, in milliseconds. */
const SLICE_MS = 10;

/** `items.map(convert)` for lists that may be long: other work runs in between. */
export async function mapYielding<T, R>(items: readonly T[], convert: (item: T) => R): Promise<R[]> {
  const converted: R[] = [];
  let since = performance.now();
  for (const item of items) {
    converted.push(convert(item));
    if (performance.now() - since < SLICE_MS) continue;
    await setImmediate();
    since = performance.now();
  }
  return converted;
}
