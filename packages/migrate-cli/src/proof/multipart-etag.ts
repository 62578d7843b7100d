import { createHash, type Hash } from "node:crypto";
import type { ObjectInfo } from "@parquetry/core/backend";

const MEBIBYTE = 1024 * 1024;
/** The part sizes of S3 tools: first this toolkit's own, then aws-cli, rclone, s3cmd, boto and the console. */
const USUAL_PART_SIZES: readonly number[] = [8, 5, 15, 16, 10, 25, 32, 50, 64, 100, 128, 256, 512].map(
  (mebibytes) => mebibytes * MEBIBYTE,
);

/**
 * Returns the part sizes that a multipart object with this ETag (`…-7`: seven parts) may have, `preferred` first; none if
 * the ETag is not that of a multipart object.
 *
 * @example
 * ```ts
 * likelyPartSizes("9b2cf535f27731c974343645a3985328-2", 10 * 1024 ** 2); // [8 MiB, 5 MiB]
 * ```
 */
export function likelyPartSizes(etag: string, sizeBytes: number, preferred?: number): readonly number[] {
  const parts = Number(/^[0-9a-f]{32}-(\d{1,5})$/.exec(etag)?.[1]);
  if (Number.isNaN(parts)) return [];
  // The size of equal parts of whole MiB.
  const even = Math.ceil(sizeBytes / parts / MEBIBYTE) * MEBIBYTE;
  const sizes = new Set([...(preferred === undefined ? [] : [preferred]), ...USUAL_PART_SIZES, even]);
  return [...sizes].filter((size) => Math.ceil(sizeBytes / size) === parts);
}

/**
 * Returns the sizes of the parts whose MD5s may prove an object's content, the likeliest first: the whole object if its MD5 is
 * known, else those that its multipart ETag may be of.
 */
export function provingPartSizes({
  md5,
  etag,
  sizeBytes,
}: Pick<ObjectInfo, "md5" | "etag" | "sizeBytes">): readonly number[] {
  return md5 === undefined ? likelyPartSizes(etag, sizeBytes) : [sizeBytes];
}

/** Computes the ETag that S3 gives to content stored in parts of one size. */
export interface MultipartHasher {
  /** Takes the next bytes. */
  update(chunk: Uint8Array): void;
  /** Returns the ETag of all bytes so far. Call it once, at the end. */
  etag(): string;
}

/**
 * Makes a {@link MultipartHasher}. S3's multipart ETag is the MD5 of the parts' MD5s, followed by their number. Equal ETags
 * prove equal content; different ETags may only mean different part sizes.
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

/** Returns the ETag of an object that was uploaded in parts with these MD5s, in hex. */
export function etagOfParts(md5s: readonly string[]): string {
  const all = Buffer.from(md5s.join(""), "hex");
  return `${createHash("md5").update(all).digest("hex")}-${md5s.length}`;
}

/** Compares content with the multipart ETag of an object. */
export interface EtagCheck {
  /** Takes the next bytes. */
  update(chunk: Uint8Array): void;
  /** Whether the bytes so far have this ETag. Also false if its part size is unknown, or it is not a multipart ETag. */
  matches(): boolean;
  /** Returns the ETag that these bytes have in parts of a likely size: that of the object if it matches. Call one of these once. */
  etag(): { readonly etag: string; readonly partSizeBytes: number } | undefined;
}

/** Makes an {@link EtagCheck}, which computes the ETag for all likely part sizes. */
export function createEtagCheck(etag: string, sizeBytes: number): EtagCheck {
  const sizes = likelyPartSizes(etag, sizeBytes);
  const hashers = sizes.map(createMultipartHasher);
  return {
    update(chunk) {
      for (const hasher of hashers) hasher.update(chunk);
    },
    matches: () => hashers.some((hasher) => hasher.etag() === etag),
    etag() {
      const found = hashers.map((hasher, i) => ({ etag: hasher.etag(), partSizeBytes: sizes[i] ?? 0 }));
      return found.find((one) => one.etag === etag) ?? found[0];
    },
  };
}
