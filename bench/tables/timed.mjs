import { performance } from "node:perf_hooks";

/** Runs a job several times, and returns its median and its best time. */
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

/** How often each job runs: small ones until the compiler has optimised them. */
export const REPEATS = {
  "game-write": { repeats: 100, warmUp: 50 },
  "game-read": { repeats: 100, warmUp: 50 },
  "game-columns": { repeats: 100, warmUp: 50 },
  "games-write": { repeats: 1, warmUp: 0 },
  "season-write": { repeats: 1, warmUp: 0 },
  "games-read": { repeats: 1, warmUp: 0 },
  "wide-write": { repeats: 1, warmUp: 0 },
  "wide-read": { repeats: 1, warmUp: 0 },
  "wide-columns": { repeats: 1, warmUp: 0 },
  "nested-write": { repeats: 1, warmUp: 0 },
  "nested-read": { repeats: 1, warmUp: 0 },
};
