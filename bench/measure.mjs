import { performance } from "node:perf_hooks";

/** Prints the median of several rounds of each contender. They run in turns, so that the ratios hold if the machine slows down. */
export async function compare(title, contenders, { rounds = 5 } = {}) {
  const times = new Map(Object.keys(contenders).map((name) => [name, []]));
  const notes = new Map();
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const startedAt = performance.now();
      const note = await run();
      // The first round is the warm-up.
      if (round > 0) times.get(name).push(performance.now() - startedAt);
      notes.set(name, note ?? "");
    }
  }
  const medians = [...times].map(([name, all]) => [
    name,
    all.sort((a, b) => a - b)[Math.floor(all.length / 2)],
  ]);
  const base = medians[0][1];
  console.log(`\n${title} (median of ${rounds})\n`);
  console.log("| contender | ms | times ours | |\n| --- | --- | --- | --- |");
  for (const [name, ms] of medians) {
    console.log(`| ${name} | ${ms.toFixed(1)} | ${(ms / base).toFixed(2)} | ${notes.get(name)} |`);
  }
}
