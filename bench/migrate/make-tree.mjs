import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Writes files in Hive partitions, with the lognormal sizes of the first user's files; the same sizes in every run. */
export async function makeTree(root, { files, meanBytes }) {
  const random = mulberry32(5);
  const content = randomBytes(32 * 1024 * 1024);
  let bytes = 0;
  for (let i = 0; i < files; i++) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const size = Math.min(content.byteLength, Math.round((meanBytes / Math.exp(0.5)) * Math.exp(normal)));
    const offset = Math.floor(random() * (content.byteLength - size));
    const path = join(root, "raw", `year=${2004 + (i % 20)}`, `week=${1 + (i % 15)}`, `game-${i}.parquet`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content.subarray(offset, offset + size));
    bytes += size;
  }
  return { files, bytes };
}

/** A small random number generator with a seed, which Math.random() lacks. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
