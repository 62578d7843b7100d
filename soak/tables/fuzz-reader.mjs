import { Worker } from "node:worker_threads";
import { sampleFiles } from "./sample-files.mjs";

/** A read that takes longer is reported as a hang, in milliseconds. */
const HANG_MS = 4_000;
const HEAP_MIB = 1_024;

/** Reads damaged Parquet files on a plain thread; reports each file that hangs or kills the thread, with its seed. */
export async function fuzzReader(count, { python, start = 0 } = {}) {
  const files = [...(await sampleFiles(python))];
  const result = { files: count, samples: files.length, outcomes: {}, hangs: [], deaths: [], slowestMs: 0 };
  for (let from = start; from < start + count; ) from = await runWorker(files, from, start + count, result);
  return result;
}

function runWorker(files, from, to, result) {
  return new Promise((resolve) => {
    const worker = new Worker(new URL("./fuzz-worker.mjs", import.meta.url), {
      workerData: { files, from, to },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    let at = { seed: from, name: "" };
    let timer;
    const end = async (list, what) => {
      clearTimeout(timer);
      worker.removeAllListeners();
      list?.push(`${at.name}, seed ${at.seed}: ${what}`);
      await worker.terminate();
      resolve(at.seed + 1);
    };
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => end(result.hangs, `longer than ${HANG_MS} ms`), HANG_MS);
    };
    worker.on("error", (error) => end(result.deaths, String(error)));
    worker.on("message", (message) => {
      if (message.done) {
        at = { seed: to, name: "" };
        end();
        return;
      }
      at = message;
      watch();
      if (message.outcome === undefined) return;
      result.outcomes[message.outcome] = (result.outcomes[message.outcome] ?? 0) + 1;
      result.slowestMs = Math.max(result.slowestMs, Math.round(message.ms));
    });
    watch();
  });
}
