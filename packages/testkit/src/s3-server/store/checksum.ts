import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { IHasher } from "hash-wasm";
import { S3Error } from "../s3-error.ts";

/** A checksum algorithm of S3, in lower case as in `x-amz-checksum-…`. */
export type ChecksumAlgorithm = "crc32" | "crc32c" | "crc64nvme" | "sha1" | "sha256";

/** `COMPOSITE` is a checksum of the parts' checksums, `FULL_OBJECT` one of all the bytes. */
export type ChecksumType = "COMPOSITE" | "FULL_OBJECT";

/** A checksum of an object or a part. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; a composite checksum ends with `-N`, the number of parts. */
  readonly value: string;
  readonly type: ChecksumType;
}

/** A running checksum. */
export interface RunningChecksum {
  update(chunk: Uint8Array): unknown;
  digest(): Buffer;
}

interface CrcTraits {
  /** Bits. */
  readonly width: 32 | 64;
  /** Reflected. */
  readonly polynomial: bigint;
}

interface AlgorithmTraits {
  readonly bytes: number;
  /** Its element in XML documents. */
  readonly element: string;
  /** Present if the checksums of parts can be joined into that of the whole. */
  readonly crc?: CrcTraits;
  readonly defaultType: ChecksumType;
}

/** The properties of each algorithm. */
export const CHECKSUM_ALGORITHMS: Readonly<Record<ChecksumAlgorithm, AlgorithmTraits>> = {
  crc32: {
    bytes: 4,
    element: "ChecksumCRC32",
    crc: { width: 32, polynomial: 0xedb88320n },
    defaultType: "COMPOSITE",
  },
  crc32c: {
    bytes: 4,
    element: "ChecksumCRC32C",
    crc: { width: 32, polynomial: 0x82f63b78n },
    defaultType: "COMPOSITE",
  },
  crc64nvme: {
    bytes: 8,
    element: "ChecksumCRC64NVME",
    crc: { width: 64, polynomial: 0x9a6c9329ac4bc9b5n },
    defaultType: "FULL_OBJECT",
  },
  sha1: { bytes: 20, element: "ChecksumSHA1", defaultType: "COMPOSITE" },
  sha256: { bytes: 32, element: "ChecksumSHA256", defaultType: "COMPOSITE" },
};

export const CHECKSUM_NAMES: readonly ChecksumAlgorithm[] = [
  "crc32",
  "crc32c",
  "crc64nvme",
  "sha1",
  "sha256",
];

/** Parses an algorithm's name in any case. Throws `InvalidRequest` for an unknown one. */
export function parseChecksumAlgorithm(text: string): ChecksumAlgorithm {
  const name = CHECKSUM_NAMES.find((candidate) => candidate === text.toLowerCase());
  if (name === undefined) {
    throw new S3Error("InvalidRequest", `Checksum algorithm provided is unsupported: ${text}`);
  }
  return name;
}

/** Returns a value that is base64 of the algorithm's length. Throws `InvalidRequest` for another one. */
export function acceptChecksumValue(algorithm: ChecksumAlgorithm, value: string): string {
  const bytes = Buffer.from(value, "base64");
  if (bytes.length !== CHECKSUM_ALGORITHMS[algorithm].bytes || bytes.toString("base64") !== value) {
    throw new S3Error("InvalidRequest", `Value for x-amz-checksum-${algorithm} header is invalid.`);
  }
  return value;
}

function startCrc32(): RunningChecksum {
  let value = 0;
  return {
    update: (chunk) => {
      value = crc32(chunk, value);
    },
    digest: () => {
      const bytes = Buffer.allocUnsafe(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
  };
}

/** Hashers for reuse: creating one takes longer than hashing a small body. */
const idleHashers = new Map<ChecksumAlgorithm, IHasher[]>();

/** Starts a checksum. The library for CRC32C and CRC64NVME, which few clients send, is loaded by the first of them. */
export async function startChecksum(algorithm: ChecksumAlgorithm): Promise<RunningChecksum> {
  if (algorithm === "crc32") return startCrc32();
  const { crc } = CHECKSUM_ALGORITHMS[algorithm];
  if (crc === undefined) return createHash(algorithm);
  const idle = idleHashers.get(algorithm) ?? [];
  idleHashers.set(algorithm, idle);
  const hasher = idle.pop() ?? (await createHasher(crc));
  hasher.init();
  return {
    update: (chunk) => hasher.update(chunk),
    digest: () => {
      const bytes = Buffer.from(hasher.digest("binary"));
      idle.push(hasher);
      return bytes;
    },
  };
}

async function createHasher({ width, polynomial }: CrcTraits): Promise<IHasher> {
  const { createCRC32, createCRC64 } = await import("hash-wasm");
  return width === 32 ? createCRC32(Number(polynomial)) : createCRC64(polynomial.toString(16));
}

/** Multiplies two reflected polynomials over GF(2) modulo `polynomial`. */
function multiply(left: bigint, right: bigint, width: number, polynomial: bigint): bigint {
  let product = 0n;
  let factor = right;
  for (let bit = 1n << BigInt(width - 1); bit > 0n; bit >>= 1n) {
    if (left & bit) product ^= factor;
    factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
  }
  return product;
}

/** Returns x to the power of `exponent`, reflected. */
function power(exponent: bigint, width: number, polynomial: bigint): bigint {
  let result = 1n << BigInt(width - 1);
  let base = result >> 1n;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(result, base, width, polynomial);
    base = multiply(base, base, width, polynomial);
  }
  return result;
}

export interface PartChecksum {
  readonly value: string;
  readonly size: number;
}

/**
 * Computes the checksum of a multipart object from those of its parts, without reading them again. Throws `InvalidRequest`
 * for the full-object type of an algorithm whose checksums cannot be joined.
 */
export async function joinPartChecksums(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly PartChecksum[],
): Promise<Checksum> {
  const traits = CHECKSUM_ALGORITHMS[algorithm];
  if (type === "COMPOSITE") {
    const running = await startChecksum(algorithm);
    for (const part of parts) running.update(Buffer.from(part.value, "base64"));
    return { algorithm, type, value: `${running.digest().toString("base64")}-${parts.length}` };
  }
  if (traits.crc === undefined) {
    const message = `The FULL_OBJECT checksum type cannot be used with the ${algorithm} checksum algorithm.`;
    throw new S3Error("InvalidRequest", message);
  }
  const { width, polynomial } = traits.crc;
  let joined = 0n;
  for (const part of parts) {
    const crc = BigInt(`0x${Buffer.from(part.value, "base64").toString("hex")}`);
    joined = multiply(joined, power(8n * BigInt(part.size), width, polynomial), width, polynomial) ^ crc;
  }
  const hex = joined.toString(16).padStart(traits.bytes * 2, "0");
  return { algorithm, type, value: Buffer.from(hex, "hex").toString("base64") };
}
