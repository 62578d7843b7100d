import { md5 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { Buffer } from "buffer/";
import { compressors } from "hyparquet-compressors";

export { Buffer };

/** A hash of `node:crypto`, as far as core uses it. Those of Web Crypto take all bytes at once, and asynchronously. */
interface Hash {
  update(bytes: Uint8Array | string): Hash;
  digest(encoding: "hex"): string;
}

/** Creates a hash that takes its bytes piece by piece. */
export function createHash(algorithm: "md5" | "sha256"): Hash {
  const hash = (algorithm === "md5" ? md5 : sha256).create();
  return {
    update(bytes) {
      hash.update(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
      return this;
    },
    digest: (encoding) => Buffer.from(hash.digest()).toString(encoding),
  };
}

/** Returns a random UUID. Browsers have it on https and localhost. */
export function randomUUID(): string {
  return crypto.randomUUID();
}

/** A channel without subscribers: only Node has them. */
export function channel(): { readonly hasSubscribers: false; publish(): void } {
  return { hasSubscribers: false, publish() {} };
}

/** A tracing channel without subscribers. */
export function tracingChannel(): {
  readonly hasSubscribers: false;
  tracePromise<T>(run: () => Promise<T>): Promise<T>;
} {
  return { hasSubscribers: false, tracePromise: (run) => run() };
}

/** Waits, until the signal is aborted at most. */
export function sleep(
  ms: number,
  value?: undefined,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve(value);
    }, ms);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Lets other tasks run. A timer would wait for 4 ms. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const arrived = (): void => {
      port1.close();
      resolve();
    };
    // The types are those of Node, whose ports have no `onmessage`; a browser's port starts by it.
    Object.assign(port1, { onmessage: arrived });
    port2.postMessage(undefined);
  });
}

/** Whether there are threads with limits of memory. Workers of browsers have none. */
export const hasThreads: boolean = false;

/** Stands for the class of Node. */
export class Worker {}

/** Unpacks gzip to exactly `maxOutputLength` bytes. */
export function gunzipSync(
  bytes: Uint8Array,
  { maxOutputLength }: { readonly maxOutputLength: number },
): Uint8Array {
  const { GZIP } = compressors;
  // The last four bytes of gzip are its size.
  const size = bytes.byteLength < 4 ? -1 : Buffer.from(bytes).readUInt32LE(bytes.byteLength - 4);
  if (GZIP === undefined || size !== maxOutputLength)
    throw new Error("a page has another size than its header says");
  return GZIP(bytes, maxOutputLength);
}

/** Unpacks Brotli to exactly `maxOutputLength` bytes. */
export function brotliDecompressSync(
  bytes: Uint8Array,
  { maxOutputLength }: { readonly maxOutputLength: number },
): Uint8Array {
  const { BROTLI } = compressors;
  if (BROTLI === undefined) throw new Error("there is no decoder of Brotli");
  return BROTLI(bytes, maxOutputLength);
}

/** Unpacks gzip. */
export async function unzip(
  bytes: Uint8Array<ArrayBuffer>,
  { maxOutputLength }: { readonly maxOutputLength: number },
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(pieces);
    size += value.byteLength;
    if (size > maxOutputLength) {
      await reader.cancel();
      throw new RangeError(`it unpacks to more than ${maxOutputLength} bytes`);
    }
    pieces.push(value);
  }
}
