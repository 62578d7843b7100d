import { performance } from "node:perf_hooks";

/** Runs a job until it has taken a while, and says how long one took at its best and in the middle. */
export async function timed(run, { repeats, warmUp }) {
  for (let i = 0; i < warmUp; i++) await run();
  const times = [];
  for (let i = 0; i < repeats; i++) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return { ms: times[times.length >> 1], bestMs: times[0] };
}

/** How often a job is repeated: small ones until the compiler has done its work. */
export const REPEATS = {
  "game-write": { repeats: 100, warmUp: 50 },
  "game-read": { repeats: 100, warmUp: 50 },
  "game-columns": { repeats: 100, warmUp: 50 },
  "games-write": { repeats: 1, warmUp: 0 },
  "games-read": { repeats: 1, warmUp: 0 },
  "wide-write": { repeats: 1, warmUp: 0 },
  "wide-read": { repeats: 1, warmUp: 0 },
  "wide-columns": { repeats: 1, warmUp: 0 },
};
