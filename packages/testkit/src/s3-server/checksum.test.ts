import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  CHECKSUM_ALGORITHMS,
  CHECKSUM_NAMES,
  type ChecksumAlgorithm,
  joinPartChecksums,
} from "./checksum.ts";

function checksum(algorithm: ChecksumAlgorithm, ...chunks: readonly Buffer[]): Buffer {
  const running = CHECKSUM_ALGORITHMS[algorithm].start();
  for (const chunk of chunks) running.update(chunk);
  return running.digest();
}

describe("checksums", () => {
  // The check values of the CRC catalogue, and of FIPS 180.
  it.each([
    ["crc32", "cbf43926"],
    ["crc32c", "e3069283"],
    ["crc64nvme", "ae8b14860a799888"],
    ["sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"],
    ["sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"],
  ] as const)("%s of 123456789", (algorithm, expected) => {
    expect(checksum(algorithm, Buffer.from("123456789")).toString("hex")).toBe(expected);
  });

  it.each(CHECKSUM_NAMES)("%s does not depend on how the bytes are cut", (algorithm) => {
    const bytes = randomBytes(1001);
    const whole = checksum(algorithm, bytes);
    for (const cut of [0, 1, 7, 8, 9, 500, 1001]) {
      expect(checksum(algorithm, bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(whole);
    }
  });

  it.each(["crc32", "crc32c", "crc64nvme"] as const)(
    "%s of parts joins into that of the whole",
    (algorithm) => {
      const parts = [randomBytes(5000), randomBytes(1), Buffer.alloc(0), randomBytes(777)];
      const values = parts.map((part) => ({
        value: checksum(algorithm, part).toString("base64"),
        size: part.length,
      }));
      const joined = joinPartChecksums(algorithm, "FULL_OBJECT", values);
      expect(joined.value).toBe(checksum(algorithm, ...parts).toString("base64"));
    },
  );

  it("refuses to join hashes that cannot be joined", () => {
    expect(() => joinPartChecksums("sha256", "FULL_OBJECT", [])).toThrow(/FULL_OBJECT/);
  });
});
