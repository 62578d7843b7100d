import { createHash, type Hash } from "node:crypto";

const MEBIBYTE = 1024 * 1024;
/** Part sizes that S3 tools use: this toolkit's own comes first, then aws-cli, rclone, s3cmd, boto and the console. */
const USUAL_PART_SIZES: readonly number[] = [8, 5, 15, 16, 10, 25, 32, 50, 64, 100, 128, 256, 512].map(
  (mebibytes) => mebibytes * MEBIBYTE,
);

/**
 * The part sizes that a multipart object with this ETag (`…-7`: seven parts) may have been stored with, `preferred`
 * first; empty where the ETag is not a multipart one.
 *
 * @example
 * ```ts
 * likelyPartSizes("9b2cf535f27731c974343645a3985328-2", 10 * 1024 ** 2); // [8 MiB, 5 MiB]
 * ```
 */
export function likelyPartSizes(etag: string, sizeBytes: number, preferred?: number): readonly number[] {
  const parts = Number(/^[0-9a-f]{32}-(\d{1,5})$/.exec(etag)?.[1]);
  if (Number.isNaN(parts)) return [];
  // An upload in equal parts of whole MiB, whoever chose them.
  const even = Math.ceil(sizeBytes / parts / MEBIBYTE) * MEBIBYTE;
  const sizes = new Set([...(preferred === undefined ? [] : [preferred]), ...USUAL_PART_SIZES, even]);
  return [...sizes].filter((size) => Math.ceil(sizeBytes / size) === parts);
}

/** Computes the ETag that S3 gives to content stored in parts of one size. */
export interface MultipartHasher {
  /** Takes the next bytes. */
  update(chunk: Uint8Array): void;
  /** The ETag of all bytes so far. Call it once, at the end. */
  etag(): string;
}

/**
 * Makes a {@link MultipartHasher}. S3's multipart ETag is the MD5 of the parts' MD5s, then their number: where it comes
 * out the same, the content is the same; where it does not, the parts may merely have been other ones.
 *
 * @example
 * ```ts
 * const hasher = createMultipartHasher(8 * 1024 ** 2);
 * for await (const chunk of body) hasher.update(chunk);
 * hasher.etag() === info.etag; // proven equal
 * ```
 */
export function createMultipartHasher(partSizeBytes: number): MultipartHasher {
  const digests: Buffer[] = [];
  let part: Hash = createHash("md5");
  let partBytes = 0;
  const finishPart = (): void => {
    digests.push(part.digest());
    part = createHash("md5");
    partBytes = 0;
  };
  return {
    update(chunk) {
      for (let at = 0; at < chunk.byteLength; ) {
        const take = Math.min(chunk.byteLength - at, partSizeBytes - partBytes);
        part.update(chunk.subarray(at, at + take));
        partBytes += take;
        at += take;
        if (partBytes === partSizeBytes) finishPart();
      }
    },
    etag() {
      if (partBytes > 0 || digests.length === 0) finishPart();
      return `${createHash("md5").update(Buffer.concat(digests)).digest("hex")}-${digests.length}`;
    },
  };
}

/** Holds content against the multipart ETag that a store gave for it. */
export interface EtagCheck {
  /** Takes the next bytes. */
  update(chunk: Uint8Array): void;
  /** Whether all bytes so far are what the ETag is of. False also where its parts were cut otherwise, or it is none. */
  matches(): boolean;
}

/**
 * Makes an {@link EtagCheck}, which tries every likely size of the parts at once.
 *
 * @example
 * ```ts
 * const check = createEtagCheck(info.etag, info.sizeBytes);
 * for await (const chunk of body) check.update(chunk);
 * check.matches(); // true: nothing was damaged on the way
 * ```
 */
export function createEtagCheck(etag: string, sizeBytes: number): EtagCheck {
  const hashers = likelyPartSizes(etag, sizeBytes).map(createMultipartHasher);
  return {
    update(chunk) {
      for (const hasher of hashers) hasher.update(chunk);
    },
    matches: () => hashers.some((hasher) => hasher.etag() === etag),
  };
}
