import { promisify } from "node:util";
import { gunzip } from "node:zlib";

/**
 * What core needs of its runtime. Bundlers for browsers take `browser.ts` instead, by a condition in `imports` of package.json; it does
 * the same, as far as browsers can.
 */
export { Buffer } from "node:buffer";
export { createHash, randomUUID } from "node:crypto";
export { channel, tracingChannel } from "node:diagnostics_channel";
export { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
export { Worker } from "node:worker_threads";
export { brotliDecompressSync, gunzipSync } from "node:zlib";

/** Whether there are threads with limits of memory. */
export const hasThreads: boolean = true;

/** Unpacks gzip. */
export const unzip: (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number },
) => Promise<Uint8Array> = promisify(gunzip);
