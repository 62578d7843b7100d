import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CHECKSUM_NAMES, type ChecksumAlgorithm, joinPartChecksums, startChecksum } from "./checksum.ts";

async function checksum(algorithm: ChecksumAlgorithm, ...chunks: readonly Buffer[]): Promise<Buffer> {
  const running = await startChecksum(algorithm);
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
  ] as const)("computes the %s of 123456789", async (algorithm, expected) => {
    expect((await checksum(algorithm, Buffer.from("123456789"))).toString("hex")).toBe(expected);
  });

  it.each(CHECKSUM_NAMES)("computes the same %s however the bytes are cut", async (algorithm) => {
    const bytes = randomBytes(1001);
    const whole = await checksum(algorithm, bytes);
    for (const cut of [0, 1, 7, 8, 9, 500, 1001]) {
      expect(await checksum(algorithm, bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(whole);
    }
  });

  it.each(CHECKSUM_NAMES)("keeps two %s that run concurrently apart", async (algorithm) => {
    const [left, right] = await Promise.all([startChecksum(algorithm), startChecksum(algorithm)]);
    left.update(Buffer.from("1234"));
    right.update(Buffer.from("something else"));
    left.update(Buffer.from("56789"));
    expect(left.digest()).toEqual(await checksum(algorithm, Buffer.from("123456789")));
    expect(right.digest()).toEqual(await checksum(algorithm, Buffer.from("something else")));
  });

  it.each(["crc32", "crc32c", "crc64nvme"] as const)(
    "joins the %s of parts into that of the whole",
    async (algorithm) => {
      const parts = [randomBytes(5000), randomBytes(1), Buffer.alloc(0), randomBytes(777)];
      const values = await Promise.all(
        parts.map(async (part) => ({
          value: (await checksum(algorithm, part)).toString("base64"),
          size: part.length,
        })),
      );
      const joined = await joinPartChecksums(algorithm, "FULL_OBJECT", values);
      expect(joined.value).toBe((await checksum(algorithm, ...parts)).toString("base64"));
    },
  );

  it("rejects joining hashes into a full-object checksum", async () => {
    await expect(joinPartChecksums("sha256", "FULL_OBJECT", [])).rejects.toThrow(/FULL_OBJECT/);
  });
});
