import { abilitiesOf } from "@parquetry/core/backend";
import { openBackend } from "@parquetry/storage/backend";
import { describe, expect, it } from "vitest";
import {
  CLOUD_LIMITS,
  countGetRequests,
  countPutRequests,
  DIRECTORY_RANGE_BYTES,
  partSizeFor,
} from "./count-requests.ts";

const SMALL = { maxSinglePutBytes: 8, partSizeBytes: 8, maxParts: 10 };

describe("countPutRequests", () => {
  it("counts one request, or the parts of a large object and two more", () => {
    const counts = [0, 8, 9, 16, 17, 80, 81, 800].map((size) => countPutRequests(size, SMALL));
    expect(counts).toEqual([1, 1, 4, 4, 5, 12, 8, 12]);
  });
});

describe("partSizeFor", () => {
  it("is the size of a small object, else a multiple of the part size that stays below the most parts", () => {
    expect([0, 8, 9, 80, 81, 160, 161].map((size) => partSizeFor(size, SMALL))).toEqual([
      0, 8, 8, 8, 16, 16, 24,
    ]);
  });
});

describe("countGetRequests", () => {
  it("counts one request for each range of whole parts", () => {
    const counts = [0, 1, 32, 33, 96, 97].map((size) => countGetRequests(size, 8, 32));
    expect(counts).toEqual([1, 1, 1, 2, 3, 4]);
    // A range holds two parts of 15, and a part of 100 is one range.
    expect([30, 31, 60].map((size) => countGetRequests(size, 15, 32))).toEqual([1, 2, 2]);
    expect([100, 101].map((size) => countGetRequests(size, 100, 32))).toEqual([1, 2]);
  });

  it("counts one request where no parts prove the object, or the target writes no ranges", () => {
    expect(countGetRequests(1000, undefined, 32)).toBe(1);
    expect(countGetRequests(1000, 8, undefined)).toBe(1);
  });
});

describe("the limits of cost", () => {
  const env = {
    PARQUETRY_R2_ACCOUNT_ID: "0123456789abcdef0123456789abcdef",
    PARQUETRY_R2_ACCESS_KEY: "key",
    PARQUETRY_R2_SECRET_KEY: "secret",
    AWS_ACCESS_KEY_ID: "key",
    AWS_SECRET_ACCESS_KEY: "secret",
  };

  it.each(["s3://bucket", "r2://bucket"])("are those of the backend of %s", async (address) => {
    const backend = await openBackend(address, { env });
    expect(backend.capabilities).toMatchObject(CLOUD_LIMITS);
    await backend.close();
  });

  it("are those of the backend of a directory", async () => {
    const backend = await openBackend(import.meta.dirname);
    expect(abilitiesOf(backend).hashedWrites?.rangeBytes).toBe(DIRECTORY_RANGE_BYTES);
    await backend.close();
  });
});
