import { renameSync, writeFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";

/** Files to create: their bytes follow each other in one memory. */
export interface CreateJobs {
  readonly bytes: Uint8Array;
  readonly files: readonly CreateJob[];
}

/** A file to create under a temporary name, and to rename. */
export interface CreateJob {
  readonly part: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** Why a file was not created: the error of the system. Undefined if it was. */
export type CreateAnswer = { readonly message: string; readonly code: string | undefined } | undefined;

parentPort?.on("message", ({ bytes, files }: CreateJobs) => {
  let at = 0;
  const answers = files.map(({ part, path, sizeBytes }): CreateAnswer => {
    const start = at;
    at += sizeBytes;
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
