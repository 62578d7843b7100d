import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

/** The longest that a call may hold the event loop in tests, in milliseconds. It is meant to be 50, on a quiet machine. */
export const MOST_MS = 250;

/**
 * Returns for how long a call held the event loop at most, in milliseconds. A busy machine delays a run, too, so the best of up
 * to five runs counts, and a hold is at most as long as the processor time that this process took during it.
 */
export async function longestHold(run: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 5 && best >= MOST_MS; attempt++) {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await sleep(20);
    delay.reset();
    const ofProcessor = await mostProcessorTime(run);
    // The delay is recorded once the loop turns again.
    await sleep(20);
    delay.disable();
    best = Math.min(best, delay.max / 1e6, ofProcessor);
  }
  return best;
}

/** Returns the most processor time between two turns of the event loop, in milliseconds. */
async function mostProcessorTime(run: () => Promise<unknown>): Promise<number> {
  let most = 0;
  let isRunning = true;
  let before = process.cpuUsage();
  const tick = (): void => {
    const { user, system } = process.cpuUsage(before);
    most = Math.max(most, (user + system) / 1000);
    before = process.cpuUsage();
    if (isRunning) setImmediate(tick);
  };
  setImmediate(tick);
  await run();
  isRunning = false;
  // A call that never lets the loop turn ends before the first look.
  tick();
  return most;
}
