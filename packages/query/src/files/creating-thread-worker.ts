import { renameSync, writeFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";

/** Files to create, each under a temporary name, and to rename. A few long strings take a fraction of the time of many short ones. */
export interface CreateJobs {
  /** The bytes of all files, one after the other. */
  readonly bytes: Uint8Array;
  readonly sizes: Float64Array;
  /** The temporary names and the names, in turn, joined by NUL, which no path contains. */
  readonly paths: string;
}

/** Why a file was not created: the error of the system. Undefined if it was. */
export type CreateAnswer = { readonly message: string; readonly code: string | undefined } | undefined;

parentPort?.on("message", ({ bytes, sizes, paths }: CreateJobs) => {
  const names = paths.split("\0");
  let at = 0;
  const answers = Array.from(sizes, (size, i): CreateAnswer => {
    const [part = "", path = ""] = names.slice(2 * i, 2 * i + 2);
    const start = at;
    at += size;
    try {
      writeFileSync(part, bytes.subarray(start, at), { flag: "wx" });
      renameSync(part, path);
      return undefined;
    } catch (error) {
      // Only the system fails here.
      const { message, code } = error as NodeJS.ErrnoException;
      return { message, code };
    }
  });
  parentPort?.postMessage(answers);
});
