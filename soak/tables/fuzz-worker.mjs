import { parentPort, workerData } from "node:worker_threads";
import { createMemoryBackend, isStorageError, parseKey, Storage } from "../../packages/core/dist/index.js";
import { damage } from "./damage.mjs";

const { files, from, to } = workerData;
const key = parseKey("a.parquet");
const storage = new Storage(createMemoryBackend());

for (let seed = from; seed < to; seed++) {
  const [name, good] = files[seed % files.length];
  parentPort.postMessage({ seed, name });
  await storage.backend.put(key, damage(good, seed));
  const startedAt = performance.now();
  let outcome = "read";
  try {
    await storage.readParquet(key);
  } catch (error) {
    outcome = isStorageError(error) ? error.code : `${error}`;
  }
  parentPort.postMessage({ seed, name, outcome, ms: performance.now() - startedAt });
}
parentPort.postMessage({ done: true });
