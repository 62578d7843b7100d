import { createHash, randomBytes } from "node:crypto";
import * as S3 from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import {
  Bucket,
  expectBytes,
  KINDS,
  MIB,
  md5,
  outcome,
  serveObjects,
} from "../../../test/support/serve-objects.ts";
import { signS3Request } from "../../../test/support/sign-request.ts";
import { CHECKSUM_ALGORITHMS, parseChecksumAlgorithm, startChecksum } from "../store/checksum.ts";

describe.each(KINDS)("multipart uploads, objects in %s", async (kind) => {
  const { server, client, put, get, head } = await serveObjects(kind);

  const parts = [Buffer.alloc(5 * MIB, 7), randomBytes(5 * MIB + 1), Buffer.from("tail")];
  const start = async (Key: string, more: Partial<S3.CreateMultipartUploadCommandInput> = {}) => {
    const { UploadId } = await client.send(new S3.CreateMultipartUploadCommand({ Bucket, Key, ...more }));
    const upload = async (PartNumber: number, Body: Buffer) => {
      const { ETag } = await client.send(
        new S3.UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }),
      );
      return { PartNumber, ETag };
    };
    const complete = (
      Parts: S3.CompletedPart[],
      more: Partial<S3.CompleteMultipartUploadCommandInput> = {},
    ) =>
      client.send(
        new S3.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
      );
    const listed = () => client.send(new S3.ListPartsCommand({ Bucket, Key, UploadId }));
    const abort = () => client.send(new S3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    return { UploadId, upload, complete, listed, abort };
  };

  it("joins parts into an object", async () => {
    const Key = "mp/whole x=1";
    const { UploadId, upload, complete, listed } = await start(Key, { Metadata: { m: "1" } });
    const done: S3.CompletedPart[] = [];
    for (const [i, part] of [...parts.entries()].reverse()) done.unshift(await upload(i + 1, part));
    expect((await listed()).Parts?.map((part) => part.Size)).toEqual(parts.map((part) => part.length));
    const { Uploads } = await client.send(new S3.ListMultipartUploadsCommand({ Bucket, Prefix: "mp/" }));
    expect(Uploads).toMatchObject([{ Key, UploadId }]);
    expect(await outcome(head(Key))).toBe("404 NotFound");
    const { ETag } = await complete(done);
    const digests = parts.map((part) => createHash("md5").update(part).digest());
    expect(ETag).toBe(`"${md5(Buffer.concat(digests))}-3"`);
    const found = await get(Key);
    expectBytes(found.bytes, Buffer.concat(parts));
    expect(found).toMatchObject({ ETag, Metadata: { m: "1" } });
    const third = await get(Key, { PartNumber: 3 });
    expect(third.PartsCount).toBe(3);
    expect(third.bytes.toString()).toBe("tail");
    expect(await outcome(listed())).toBe("404 NoSuchUpload");
  });

  it("copies a range of an object as a part", async () => {
    await put("mp/source", parts[1]);
    const Key = "mp/copied";
    const { UploadId, complete } = await start(Key);
    const CopySource = `${Bucket}/mp/source`;
    const copy = (CopySourceRange: string) =>
      client.send(
        new S3.UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 1, CopySource, CopySourceRange }),
      );
    expect(await outcome(copy(`bytes=0-${99 * MIB}`))).toBe("400 InvalidArgument");
    const { CopyPartResult } = await copy("bytes=10-109");
    await complete([{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
    expectBytes((await get(Key)).bytes, parts[1]?.subarray(10, 110));
  });

  it("rejects an invalid completion and keeps the upload", async () => {
    const Key = "mp/refused";
    await put(Key, "old");
    const { upload, complete, listed, abort } = await start(Key);
    const small = await upload(1, Buffer.from("small"));
    const last = await upload(2, Buffer.from("last"));
    expect(await outcome(complete([small, last]))).toBe("400 EntityTooSmall");
    expect(await outcome(complete([last, small]))).toBe("400 InvalidPartOrder");
    expect(await outcome(complete([{ PartNumber: 3, ETag: last.ETag }]))).toBe("400 InvalidPart");
    expect(await outcome(complete([{ PartNumber: 1, ETag: last.ETag }]))).toBe("400 InvalidPart");
    expect(await outcome(complete([small], { IfNoneMatch: "*" }))).toBe("412 PreconditionFailed");
    expect(await outcome(complete([small], { IfMatch: '"other"' }))).toBe("412 PreconditionFailed");
    expect((await listed()).Parts).toHaveLength(2);
    expect((await get(Key)).bytes.toString()).toBe("old");
    await complete([small]);
    expect((await get(Key)).bytes.toString()).toBe("small");
    expect(await outcome(abort())).toBe("404 NoSuchUpload");
  });

  it("completes an upload once for concurrent requests", async () => {
    const Key = "mp/racing";
    const { upload, complete } = await start(Key);
    const done = [await upload(1, Buffer.alloc(5 * MIB, 1)), await upload(2, Buffer.from("tail"))];
    const racers = await Promise.all(Array.from({ length: 4 }, () => outcome(complete(done))));
    expect(racers.sort()).toEqual(["404 NoSuchUpload", "404 NoSuchUpload", "404 NoSuchUpload", "ok"]);
    expect((await head(Key)).ContentLength).toBe(5 * MIB + 4);
  });

  it("aborts uploads and lists those of one key page by page", async () => {
    const uploads = [await start("mp/pages"), await start("mp/pages"), await start("mp/pages")];
    const found: (string | undefined)[] = [];
    for (let marker: Partial<S3.ListMultipartUploadsCommandInput> = {}, more = true; more; ) {
      const page = await client.send(
        new S3.ListMultipartUploadsCommand({ Bucket, Prefix: "mp/pages", MaxUploads: 1, ...marker }),
      );
      found.push(...(page.Uploads ?? []).map((upload) => upload.UploadId));
      more = page.IsTruncated ?? false;
      marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
    expect(found.sort()).toEqual(uploads.map((upload) => upload.UploadId).sort());
    for (const { abort, upload } of uploads) {
      await abort();
      expect(await outcome(upload(1, Buffer.from("x")))).toBe("404 NoSuchUpload");
    }
  });

  it.each([
    ["CRC32", "FULL_OBJECT"],
    ["CRC64NVME", "FULL_OBJECT"],
    ["SHA256", "COMPOSITE"],
  ] as const)(
    "computes the %s checksum of a multipart object, %s",
    async (ChecksumAlgorithm, ChecksumType) => {
      const Key = `mp/${ChecksumAlgorithm}`;
      const upload = await start(Key, { ChecksumAlgorithm, ChecksumType });
      // Not sent by the SDK, which would add a CRC32 to each part: the server computes their checksums.
      const done: S3.CompletedPart[] = [];
      for (const [i, body] of parts.entries()) {
        const url = `${server.endpoint}/${Bucket}/${Key}?partNumber=${i + 1}&uploadId=${upload.UploadId}`;
        const { credentials, region } = server;
        const headers = await signS3Request({ method: "PUT", url, body, credentials, region });
        const response = await fetch(url, { method: "PUT", headers, body });
        expect(response.headers.get(`x-amz-checksum-${ChecksumAlgorithm.toLowerCase()}`)).not.toBeNull();
        done.push({ PartNumber: i + 1, ETag: response.headers.get("etag") ?? "" });
      }
      const algorithm = parseChecksumAlgorithm(ChecksumAlgorithm);
      const whole = await startChecksum(algorithm);
      if (ChecksumType === "FULL_OBJECT") for (const part of parts) whole.update(part);
      else for (const part of parts) whole.update(createHash("sha256").update(part).digest());
      const value = whole.digest().toString("base64") + (ChecksumType === "COMPOSITE" ? "-3" : "");
      const field = CHECKSUM_ALGORITHMS[algorithm].element;
      expect(await upload.complete(done)).toMatchObject({ [field]: value, ChecksumType });
      expect(await head(Key, { ChecksumMode: "ENABLED" })).toMatchObject({ [field]: value, ChecksumType });
    },
  );

  it("rejects a part with a checksum that the upload does not use", async () => {
    const { upload } = await start("mp/mismatch", { ChecksumAlgorithm: "SHA256" });
    // The SDK adds a CRC32.
    expect(await outcome(upload(1, Buffer.from("x")))).toBe("400 InvalidRequest");
  });
});
