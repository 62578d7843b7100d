import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Makes a tree like the first user's: `raw/` with 5,300 files by season and week, `processed/` with 26,557 files by game and
 * team and a `manifest.json` in each partition. Sizes follow a lognormal distribution. Returns the number of files.
 */
export async function makeUserTree(root, { meanBytes, rawFiles = 5_300, processedFiles = 26_557 }) {
  const noise = randomBytes(8 * 1024 * 1024);
  const size = () => {
    const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    return Math.min(noise.byteLength, Math.round((meanBytes / Math.exp(0.5)) * Math.exp(normal)));
  };
  const write = async (folder, name, bytes) => {
    await mkdir(join(root, folder), { recursive: true });
    const start = Math.floor(Math.random() * (noise.byteLength - bytes));
    await writeFile(join(root, folder, name), noise.subarray(start, start + bytes));
  };
  const raw = ["plays", "drives", "games", "team stats", "lines"];
  for (let i = 0; i < rawFiles; i++) {
    const week = `year=${2004 + (i % 20)}/week=${1 + (Math.floor(i / 20) % 16)}`;
    await write(`raw/${raw[i % raw.length]}/${week}`, `part-${i}.${i % 7 === 0 ? "csv" : "parquet"}`, size());
  }
  const teams = ["Texas A%26M", "Hawai%27i", "Miami %28OH%29", "San Jos\u00e9 State", "Ohio State"];
  for (let i = 0; i < processedFiles; i += 2) {
    const game = `year=${2004 + (i % 20)}/week=${1 + (Math.floor(i / 40) % 16)}/game_id=${400_000_000 + i}`;
    const team = `year=${2004 + (i % 20)}/team=${teams[i % teams.length]} ${i}`;
    const folder = i % 6 === 0 ? `processed/byteam/${team}` : `processed/byplay/${game}`;
    await write(folder, "data.parquet", size());
    if (i + 1 < processedFiles) await write(folder, "manifest.json", 180);
  }
  return rawFiles + processedFiles;
}
