import { createHash, type Hash } from "node:crypto";
import { type ReplayableBody, type StorageBackend, StorageError } from "@parquetry/core/backend";
import type { PlannedFile } from "../plan/migration-plan.ts";
import { checkLength } from "../proof/check-length.ts";
import { createEtagCheck, createMultipartHasher, type EtagCheck } from "../proof/multipart-etag.ts";
import type { BandwidthLimiter } from "./bandwidth-limiter.ts";

/** Options of {@link createSourceBody}. */
export interface SourceBodyOptions {
  /** The part size that the target will cut it into, in bytes. Default: it is stored in one piece. */
  readonly partSizeBytes?: number | undefined;
  /** Slows reading down. */
  readonly limiter?: BandwidthLimiter | undefined;
  /** Stops reading. */
  readonly signal?: AbortSignal | undefined;
  /** Told of bytes as they pass; negative where a part is read again, so that the sum never exceeds the file. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** A body that reads one version of a source's object, and what reading it has told. */
export interface SourceBody {
  /** What to put. */
  readonly body: ReplayableBody;
  /** The MD5 of everything, once it was read from its beginning to its end, in hex. */
  md5(): string | undefined;
  /** The multipart ETag that the parts read so far make, once they make the whole. */
  multipartEtag(): string | undefined;
  /** Whether what was read is what the source's ETag is of; a directory has no ETag of content, and reads without a network. */
  isProven(): boolean;
  /** Why reading failed last, where it did: a store may hide it behind an error of its own. */
  failure(): unknown;
}

/**
 * Makes a body of one version of an object (by its ETag), which can be read any number of times and in parts. Each
 * reading is hashed and held against its length and, where the source proves one, its MD5, before its last byte is
 * handed on: a store that takes bodies whole or not at all then keeps nothing that is wrong.
 */
export function createSourceBody(
  source: StorageBackend,
  file: PlannedFile,
  options: SourceBodyOptions = {},
): SourceBody {
  const { partSizeBytes, limiter, signal, onBytes } = options;
  const parts = new Map<number, { readonly end: number; readonly digest: Buffer }>();
  const counted = new Map<number, number>();
  /** The hash of everything up to `position`, while the ranges are read one after the other. */
  let running = startRunning(file);
  let md5: string | undefined;
  let wholeEtag: string | undefined;
  let isEtagOfSource = false;
  let failure: unknown;

  const count = (start: number, bytes: number): void => {
    onBytes?.(bytes - (counted.get(start) ?? 0));
    counted.set(start, bytes);
  };

  async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
    const whole = start === 0 && end === file.sizeBytes;
    const hash = createHash("md5");
    if (start === 0) running = startRunning(file);
    const isNext = running.position === start;
    const multipart = whole && partSizeBytes !== undefined ? createMultipartHasher(partSizeBytes) : undefined;
    let bytes = 0;
    let held: Uint8Array | undefined;
    count(start, 0);
    try {
      const { body } = await source.get(file.key, {
        ifMatch: file.etag,
        signal,
        ...(whole ? {} : { range: { start, end } }),
      });
      for await (const chunk of body) {
        // The last chunk is held back until the whole has been checked.
        if (held !== undefined) yield held;
        held = chunk;
        bytes += chunk.byteLength;
        hash.update(chunk);
        multipart?.update(chunk);
        if (isNext) {
          if (!whole) running.hash.update(chunk);
          running.etag.update(chunk);
        }
        await limiter?.take(chunk.byteLength, signal);
        count(start, bytes);
      }
      checkLength(source, { key: file.key, sizeBytes: end - start }, bytes);
      const digest = hash.digest();
      if (whole) {
        md5 = digest.toString("hex");
        wholeEtag = multipart?.etag();
        isEtagOfSource = running.etag.matches();
        checkMd5(source, file, md5);
      } else {
        parts.set(start, { end, digest });
        if (isNext) running.position = end;
        if (isNext && end === file.sizeBytes) {
          md5 = running.hash.digest("hex");
          isEtagOfSource = running.etag.matches();
          checkMd5(source, file, md5);
        }
      }
    } catch (error) {
      failure = error;
      // What went into it cannot be taken out again.
      if (isNext) running.position = Number.NaN;
      count(start, 0);
      throw error;
    }
    if (held !== undefined) yield held;
  }

  const multipartEtag = (): string | undefined => {
    if (wholeEtag !== undefined) return wholeEtag;
    const digests: Buffer[] = [];
    let position = 0;
    for (let part = parts.get(0); part !== undefined; part = parts.get(position)) {
      digests.push(part.digest);
      position = part.end;
    }
    if (position !== file.sizeBytes || digests.length === 0) return undefined;
    return `${createHash("md5").update(Buffer.concat(digests)).digest("hex")}-${digests.length}`;
  };

  return {
    body: {
      sizeBytes: file.sizeBytes,
      open: ({ start, end } = { start: 0 }) => read(start, end ?? file.sizeBytes),
    },
    md5: () => md5,
    multipartEtag,
    isProven: () =>
      source.capabilities.listProves === "none" ||
      // Held against it while it was read.
      (md5 !== undefined && file.md5 !== undefined) ||
      isEtagOfSource ||
      multipartEtag() === file.etag,
    failure: () => failure,
  };
}

/** What is hashed of everything up to a position. */
function startRunning({ etag, sizeBytes }: PlannedFile): {
  readonly hash: Hash;
  readonly etag: EtagCheck;
  position: number;
} {
  return { hash: createHash("md5"), etag: createEtagCheck(etag, sizeBytes), position: 0 };
}

/**
 * Holds what was read against what the source's listing proves.
 *
 * @throws StorageError `corrupt` where it is something else.
 */
export function checkMd5(source: StorageBackend, file: PlannedFile, md5: string): void {
  if (file.md5 === undefined || file.md5 === md5) return;
  throw new StorageError({
    code: "corrupt",
    op: "get",
    path: file.key,
    backend: source.name,
    message: `get ${source.url(file.key)}: the bytes that came have MD5 ${md5}, the object has ${file.md5}. Nothing was copied; run again.`,
  });
}
