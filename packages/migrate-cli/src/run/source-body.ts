import { createHash, type Hash } from "node:crypto";
import { abilitiesOf, type ReplayableBody, type StorageBackend } from "@parquetry/core/backend";
import type { HashedBytes } from "@parquetry/core/unstable";
import type { PlannedFile } from "../plan/migration-plan.ts";
import {
  createEtagCheck,
  createMultipartHasher,
  type EtagCheck,
  etagOfParts,
  likelyPartSizes,
} from "../proof/multipart-etag.ts";
import { checkMd5, readVersion } from "../proof/read-version.ts";
import type { SourceReading } from "./arrival.ts";

/** Options of {@link createSourceBody}. */
export interface SourceBodyOptions {
  /** The part size that the target will use, in bytes. Default: it stores the file in one piece. */
  readonly partSizeBytes?: number | undefined;
  /** Whether to hash each part as it is read. Default true; false if the MD5s of the parts are passed to `setParts`. */
  readonly hashesParts?: boolean | undefined;
  /**
   * Hashes a whole reading by the parts of the source's multipart ETag alone, unless the source's MD5 is known: these prove the
   * content as well. Default false.
   */
  readonly byEtag?: boolean | undefined;
  /** Stops reading. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes read; negative when a part is read again, so that the sum never exceeds the file's size. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** A body that reads one version of a file at the source. */
export interface SourceBody {
  /** The body to put. */
  readonly body: ReplayableBody;
  /** Reads a range with its MD5 on the source's thread, or returns undefined if it has none. The MD5 of the whole is then not known. */
  readPart(range: { readonly start: number; readonly end: number }): Promise<HashedBytes | undefined>;
  /** Returns the facts that reading it has shown so far. */
  reading(): SourceReading;
  /** Takes the size of the parts that were sent, and their MD5s in hex, in order: a backend that hashes them need not be repeated. */
  setParts(partSizeBytes: number, md5s: readonly string[]): void;
}

/**
 * Makes a body of one version of a file (by its ETag), which can be read repeatedly and in parts. Each reading is hashed,
 * and compared with the listed length and with the MD5 that the source proves, before its last chunk is passed on. So a
 * store that takes a body as a whole or not at all never stores a damaged one.
 */
export function createSourceBody(
  source: StorageBackend,
  file: PlannedFile,
  { partSizeBytes, hashesParts = true, byEtag = false, signal, onBytes }: SourceBodyOptions = {},
): SourceBody {
  const isByEtag = byEtag && file.md5 === undefined && likelyPartSizes(file.etag, file.sizeBytes).length > 0;
  const parts = new Map<number, { readonly end: number; readonly md5: string }>();
  const counted = new Map<number, number>();
  /** The hash of everything up to `position`, as long as the ranges are read in order. */
  let running = startRunning(file);
  let md5: string | undefined;
  let wholeEtag: string | undefined;
  let sent: { readonly etag: string; readonly partSizeBytes: number } | undefined;
  let isEtagOfSource = false;
  let failure: unknown;

  const count = (start: number, bytes: number): void => {
    onBytes?.(bytes - (counted.get(start) ?? 0));
    counted.set(start, bytes);
  };

  async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
    const whole = start === 0 && end === file.sizeBytes;
    const hash = (whole && !isByEtag) || (!whole && hashesParts) ? createHash("md5") : undefined;
    if (start === 0) running = startRunning(file);
    const isNext = running.position === start;
    const multipart = whole && partSizeBytes !== undefined ? createMultipartHasher(partSizeBytes) : undefined;
    let bytes = 0;
    let held: Uint8Array | undefined;
    count(start, 0);
    try {
      const range = whole ? undefined : { start, end };
      for await (const chunk of readVersion(source, file, { range, signal })) {
        // The last chunk is held back until everything has been checked.
        if (held !== undefined) yield held;
        held = chunk;
        bytes += chunk.byteLength;
        hash?.update(chunk);
        multipart?.update(chunk);
        if (isNext) {
          if (!whole) running.hash.update(chunk);
          running.etag.update(chunk);
        }
        count(start, bytes);
      }
      const digest = hash?.digest("hex");
      if (whole) {
        md5 = digest;
        wholeEtag = multipart?.etag();
        if (isByEtag) {
          sent = running.etag.etag();
          isEtagOfSource = sent?.etag === file.etag;
        }
      } else {
        if (digest !== undefined) parts.set(start, { end, md5: digest });
        if (isNext) running.position = end;
        if (isNext && end === file.sizeBytes) md5 = running.hash.digest("hex");
      }
      if (md5 !== undefined && (whole || (isNext && end === file.sizeBytes))) {
        isEtagOfSource = running.etag.matches();
        checkMd5(source, file, md5);
      }
    } catch (error) {
      failure = error;
      // The running hash cannot forget the bytes of this part.
      if (isNext) running.position = Number.NaN;
      count(start, 0);
      throw error;
    }
    if (held !== undefined) yield held;
  }

  const multipartEtag = (): string | undefined => {
    if (wholeEtag !== undefined) return wholeEtag;
    // Parts that were sent by an earlier run count once they have been read and compared.
    const readBytes = [...counted.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (sent !== undefined && readBytes === file.sizeBytes) return sent.etag;
    const md5s: string[] = [];
    let position = 0;
    for (let part = parts.get(0); part !== undefined; part = parts.get(position)) {
      md5s.push(part.md5);
      position = part.end;
    }
    return position !== file.sizeBytes || md5s.length === 0 ? undefined : etagOfParts(md5s);
  };

  return {
    body: {
      sizeBytes: file.sizeBytes,
      open: ({ start, end } = { start: 0 }) => read(start, end ?? file.sizeBytes),
    },
    async readPart(range) {
      const read = await abilitiesOf(source).hashedReads?.read(file.key, file, { range, signal });
      if (read !== undefined) count(range.start, read.bytes.byteLength);
      return read;
    },
    setParts(partSizeBytes, md5s) {
      sent = { etag: etagOfParts(md5s), partSizeBytes };
    },
    reading() {
      const etag = multipartEtag();
      const isProven =
        source.capabilities.listProves === "none" ||
        // checkMd5 has compared them.
        (md5 !== undefined && file.md5 !== undefined) ||
        isEtagOfSource ||
        etag === file.etag;
      return { md5, multipartEtag: etag, partSizeBytes: sent?.partSizeBytes, isProven, failure };
    },
  };
}

/** Hashes of everything up to a position. */
function startRunning({ etag, sizeBytes }: PlannedFile): {
  readonly hash: Hash;
  readonly etag: EtagCheck;
  position: number;
} {
  return { hash: createHash("md5"), etag: createEtagCheck(etag, sizeBytes), position: 0 };
}
