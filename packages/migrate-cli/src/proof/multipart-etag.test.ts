import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMultipartHasher, likelyPartSizes } from "./multipart-etag.ts";

const MIB = 1024 ** 2;

describe("createMultipartHasher", () => {
  it("computes S3's multipart ETag, however the bytes are chunked", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 50 }),
        (bytes, partSize, chunkSize) => {
          const hasher = createMultipartHasher(partSize);
          for (let i = 0; i < bytes.length; i += chunkSize) hasher.update(bytes.subarray(i, i + chunkSize));
          const digests: Buffer[] = [];
          for (let i = 0; i < bytes.length; i += partSize)
            digests.push(
              createHash("md5")
                .update(bytes.subarray(i, i + partSize))
                .digest(),
            );
          const whole = createHash("md5").update(Buffer.concat(digests)).digest("hex");
          expect(hasher.etag()).toBe(`${whole}-${digests.length}`);
        },
      ),
    );
  });
});

describe("likelyPartSizes", () => {
  const etag = (parts: number): string => `${"0".repeat(32)}-${parts}`;

  it("returns only sizes with that number of parts, the preferred one first", () => {
    expect(likelyPartSizes(etag(2), 10 * MIB, 6 * MIB)).toEqual([6 * MIB, 8 * MIB, 5 * MIB]);
    expect(likelyPartSizes(etag(3), 20 * MIB)).toContain(8 * MIB);
    expect(likelyPartSizes(etag(7), 7 * 37 * MIB)).toContain(37 * MIB);
  });

  it("returns none for an ETag that is not a multipart ETag", () => {
    expect(likelyPartSizes("0".repeat(32), 10 * MIB)).toEqual([]);
    expect(likelyPartSizes("whatever", 10 * MIB)).toEqual([]);
  });
});
