import { existsSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { makeTree } from "./make-tree.mjs";

/** The age from which the command keeps the hash of a file, in milliseconds (docs/decisions/0024-hashes-that-are-kept.md). */
const KEPT_FROM_MS = 600_000;

/** Makes a tree in the user's cache, or takes the one of an earlier run, and waits until its files are ten minutes old. */
export async function agedTree({ files, meanBytes }) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const base = join(cache, "parquetry-bench", `${files}-files-of-${meanBytes}`);
  const root = join(base, "data");
  const made = join(base, "made.json");
  if (!existsSync(made)) {
    await rm(base, { recursive: true, force: true });
    await writeFile(made, JSON.stringify(await makeTree(root, { files, meanBytes })));
  }
  const young = KEPT_FROM_MS + 1000 - (Date.now() - (await stat(made)).ctimeMs);
  if (young > 0) {
    console.log(`Waiting ${Math.ceil(young / 1000)} s until the files are ten minutes old.`);
    await setTimeout(young);
  }
  return { root, ...JSON.parse(await readFile(made, "utf8")) };
}
