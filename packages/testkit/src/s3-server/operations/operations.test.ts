import { createHash, randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import * as S3 from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import {
  Bucket,
  expectBytes,
  KINDS,
  md5,
  outcome,
  serveObjects,
} from "../../../test/support/serve-objects.ts";
import { signS3Request } from "../../../test/support/sign-request.ts";

describe.each(KINDS)("operations, objects in %s", async (kind) => {
  const { server, client, put, get, head } = await serveObjects(kind);
  const list = (more: Partial<S3.ListObjectsV2CommandInput>) =>
    client.send(new S3.ListObjectsV2Command({ Bucket, ...more }));

  it("stores and returns bytes, headers and metadata", async () => {
    const body = randomBytes(700_001);
    const sent = {
      ContentType: "text/x",
      CacheControl: "max-age=5",
      ContentEncoding: "gzip",
      ContentLanguage: "de",
    };
    const { ETag } = await put("meta/a", body, { ...sent, Metadata: { mtime: "1.5", b: "x=y" } });
    expect(ETag).toBe(`"${md5(body)}"`);
    const found = await get("meta/a");
    expectBytes(found.bytes, body);
    expect(found).toMatchObject({
      ...sent,
      ETag,
      Metadata: { mtime: "1.5", b: "x=y" },
      ContentLength: 700_001,
    });
    const { ContentLength, LastModified } = await head("meta/a");
    expect(ContentLength).toBe(700_001);
    expect((await list({ Prefix: "meta/" })).Contents).toMatchObject([{ Key: "meta/a", LastModified, ETag }]);
    const empty = await put("meta/empty", "").then(() => get("meta/empty"));
    expect(empty.ContentLength).toBe(0);
    expect(empty.bytes.length).toBe(0);
    expect(empty.ContentType).toBe("application/octet-stream");
  });

  it("accepts streams with the SDK's chunked framing and trailer", async () => {
    const body = randomBytes(1_500_000);
    const chunks = [body.subarray(0, 1), body.subarray(1, 70_000), body.subarray(70_000)];
    await put("stream", Readable.from(chunks), { ContentLength: body.length, ChecksumAlgorithm: "SHA256" });
    const found = await get("stream", { ChecksumMode: "ENABLED" });
    expectBytes(found.bytes, body);
    expect(found.ContentEncoding).toBeUndefined();
    expect(found.ChecksumSHA256).toBe(createHash("sha256").update(body).digest("base64"));
  });

  it.each([
    "sp ace+plus%20/100%.txt",
    "k=v/d=2024-01-01%2000%3A00/x",
    "uni-é-日本-\u{1f600}",
    "./a/../b",
    "/lead",
    "trail/",
    "double//slash",
    "back\\slash\t\n\"<&>'",
    `long/${"x".repeat(1019)}`,
  ])("accepts the key %j", async (Key) => {
    await put(Key, Key);
    expect((await get(Key)).bytes.toString()).toBe(Key);
    expect((await list({ Prefix: Key })).Contents?.map((entry) => entry.Key)).toEqual([Key]);
    const CopySource = encodeURIComponent(`${Bucket}/${Key}`);
    await client.send(new S3.CopyObjectCommand({ Bucket, Key: "copied", CopySource }));
    expect((await get("copied")).bytes.toString()).toBe(Key);
    const Delete = { Objects: [{ Key }] };
    const { Deleted, Errors } = await client.send(new S3.DeleteObjectsCommand({ Bucket, Delete }));
    expect(Deleted).toEqual([{ Key }]);
    expect(Errors).toBeUndefined();
    expect(await outcome(head(Key))).toBe("404 NotFound");
  });

  it("rejects a key of 1,025 UTF-8 bytes", async () => {
    expect(await outcome(put(`${"é".repeat(512)}x`, "x"))).toBe("400 KeyTooLongError");
    expect(await outcome(put("é".repeat(512), "x"))).toBe("ok");
  });

  it("returns ranges", async () => {
    const body = randomBytes(600_000);
    await put("range", body);
    const cases: readonly [string, Buffer, string][] = [
      ["bytes=10-19", body.subarray(10, 20), "bytes 10-19/600000"],
      ["bytes=-5", body.subarray(-5), "bytes 599995-599999/600000"],
      ["bytes=300000-", body.subarray(300_000), "bytes 300000-599999/600000"],
      ["bytes=599999-900000", body.subarray(-1), "bytes 599999-599999/600000"],
      ["bytes=-900000", body, "bytes 0-599999/600000"],
    ];
    for (const [Range, expected, ContentRange] of cases) {
      const found = await get("range", { Range });
      expect(found).toMatchObject({ ContentRange, ContentLength: expected.length });
      expect(found.$metadata.httpStatusCode).toBe(206);
      expectBytes(found.bytes, expected);
    }
    expect(await outcome(get("range", { Range: "bytes=600000-" }))).toBe("416 InvalidRange");
    expect((await get("range", { Range: "bytes=5-4" })).$metadata.httpStatusCode).toBe(200);
  });

  it("evaluates conditions on reads", async () => {
    const { ETag = "" } = await put("cond/read", "1");
    const { LastModified } = await head("cond/read");
    const earlier = new Date((LastModified?.getTime() ?? 0) - 5000);
    expect(await outcome(get("cond/read", { IfMatch: ETag }))).toBe("ok");
    expect(await outcome(get("cond/read", { IfMatch: '"other"' }))).toBe("412 PreconditionFailed");
    expect(await outcome(get("cond/read", { IfNoneMatch: ETag }))).toMatch(/^304/);
    expect(await outcome(get("cond/read", { IfNoneMatch: '"other"' }))).toBe("ok");
    expect(await outcome(head("cond/read", { IfModifiedSince: LastModified }))).toMatch(/^304/);
    expect(await outcome(head("cond/read", { IfModifiedSince: earlier }))).toBe("ok");
    expect(await outcome(get("cond/read", { IfUnmodifiedSince: earlier }))).toBe("412 PreconditionFailed");
    expect(await outcome(get("cond/read", { IfMatch: ETag, IfUnmodifiedSince: earlier }))).toBe("ok");
  });

  it("evaluates conditions on writes and changes nothing if one fails", async () => {
    const { ETag = "" } = await put("cond/write", "1", { IfNoneMatch: "*" });
    expect(await outcome(put("cond/write", "2", { IfNoneMatch: "*" }))).toBe("412 PreconditionFailed");
    expect(await outcome(put("cond/write", "2", { IfMatch: '"other"' }))).toBe("412 PreconditionFailed");
    expect(await outcome(put("cond/none", "2", { IfMatch: ETag }))).toBe("404 NoSuchKey");
    expect(await outcome(put("cond/write", "2", { IfNoneMatch: ETag }))).toBe("501 NotImplemented");
    expect((await get("cond/write")).bytes.toString()).toBe("1");
    const remove = (IfMatch: string) =>
      client.send(new S3.DeleteObjectCommand({ Bucket, Key: "cond/write", IfMatch }));
    expect(await outcome(remove('"other"'))).toBe("412 PreconditionFailed");
    expect(await outcome(put("cond/write", "3", { IfMatch: ETag.replaceAll('"', "") }))).toBe("ok");
    expect(await outcome(remove(ETag))).toBe("412 PreconditionFailed");
    expect(await outcome(remove(`"${md5("3")}"`))).toBe("ok");
  });

  it("lets exactly one of several concurrent conditional writers win each round", async () => {
    let etag: string | undefined;
    for (let round = 0; round < 5; round++) {
      const condition = etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag };
      const bodies = Array.from({ length: 10 }, (_, i) => Buffer.alloc(400_000, `${round}-${i}`));
      const results = await Promise.allSettled(bodies.map((body) => put("race", body, condition)));
      const won = results.flatMap((result, i) => (result.status === "fulfilled" ? [i] : []));
      expect(won).toHaveLength(1);
      const found = await get("race");
      expectBytes(found.bytes, bodies[won[0] ?? -1]);
      etag = found.ETag;
    }
  });

  it("returns old or new bytes to readers, never a mixture", async () => {
    const versions = [Buffer.alloc(900_000, 1), Buffer.alloc(500_000, 2)];
    const [first = Buffer.alloc(0)] = versions;
    await put("atomic", first);
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 12; i++) await put("atomic", versions[i % 2]);
      writing = false;
    })();
    let reads = 0;
    while (writing) {
      const found = await get("atomic");
      const body = found.bytes;
      expect(versions.some((version) => version.equals(body))).toBe(true);
      expect(found.ETag).toBe(`"${md5(body)}"`);
      reads += 1;
    }
    await writer;
    expect(reads).toBeGreaterThan(0);
  });

  it("lists pages, common prefixes and encoded keys", async () => {
    const keys = [
      "list/a b+c",
      "list/a.b",
      "list/a/1",
      "list/a/2",
      "list/a0",
      "list/\u{ff5e}",
      "list/\u{1f600}",
    ];
    await Promise.all(keys.map((key) => put(key, key)));
    const all = await list({ Prefix: "list/" });
    expect(all.Contents?.map((entry) => entry.Key)).toEqual(keys);
    const found: (string | undefined)[] = [];
    for (let token: string | undefined, more = true; more; ) {
      const page = await list({ Prefix: "list/", Delimiter: "/", MaxKeys: 1, ContinuationToken: token });
      expect(page.KeyCount).toBe(1);
      found.push(page.Contents?.[0]?.Key ?? page.CommonPrefixes?.[0]?.Prefix);
      more = page.IsTruncated ?? false;
      token = page.NextContinuationToken;
    }
    expect(found).toEqual([
      "list/a b+c",
      "list/a.b",
      "list/a/",
      "list/a0",
      "list/\u{ff5e}",
      "list/\u{1f600}",
    ]);
    const after = await list({ Prefix: "list/", StartAfter: "list/a/1" });
    expect(after.Contents?.map((entry) => entry.Key)).toEqual(keys.slice(3));
    const encoded = await list({ Prefix: "list/a b", EncodingType: "url" });
    expect(encoded.Contents?.[0]?.Key).toBe("list/a+b%2Bc");
    const first = await client.send(
      new S3.ListObjectsCommand({ Bucket, Prefix: "list/", Delimiter: "/", MaxKeys: 3 }),
    );
    expect(first.NextMarker).toBe("list/a/");
    const Marker = first.NextMarker;
    const second = await client.send(
      new S3.ListObjectsCommand({ Bucket, Prefix: "list/", Delimiter: "/", Marker }),
    );
    expect(second.Contents?.map((entry) => entry.Key)).toEqual(keys.slice(4));
    expect(await outcome(list({ ContinuationToken: "nonsense" }))).toBe("400 InvalidArgument");
    expect(await list({ MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false });
  });

  it("copies with conditions on source and target", async () => {
    const { ETag } = await put("copy/a", "1", { Metadata: { m: "1" }, ContentType: "text/x" });
    const copy = (more: Partial<S3.CopyObjectCommandInput>) =>
      client.send(
        new S3.CopyObjectCommand({ Bucket, Key: "copy/b", CopySource: `${Bucket}/copy/a`, ...more }),
      );
    expect(await outcome(copy({ CopySourceIfMatch: '"other"' }))).toBe("412 PreconditionFailed");
    expect(await outcome(copy({ CopySourceIfNoneMatch: ETag }))).toBe("412 PreconditionFailed");
    expect(await outcome(copy({ CopySource: `${Bucket}/copy/none` }))).toBe("404 NoSuchKey");
    expect(await outcome(copy({ CopySourceIfMatch: ETag, IfNoneMatch: "*" }))).toBe("ok");
    expect(await outcome(copy({ IfNoneMatch: "*" }))).toBe("412 PreconditionFailed");
    expect(await head("copy/b")).toMatchObject({ ETag, Metadata: { m: "1" }, ContentType: "text/x" });
    await copy({ MetadataDirective: "REPLACE", Metadata: { n: "2" } });
    expect((await head("copy/b")).Metadata).toEqual({ n: "2" });
    expect(await outcome(copy({ Key: "copy/a" }))).toBe("400 InvalidRequest");
    const own = { Key: "copy/a", MetadataDirective: "REPLACE" } as const;
    expect(await outcome(copy(own))).toBe("ok");
  });

  it("reports the result of each deleted key", async () => {
    await Promise.all(["del/a", "del/b"].map((key) => put(key, "x")));
    const Objects = [{ Key: "del/a" }, { Key: "del/none" }, { Key: "del/b", ETag: '"other"' }];
    const result = await client.send(new S3.DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(result.Deleted).toEqual([{ Key: "del/a" }, { Key: "del/none" }]);
    expect(result.Errors).toMatchObject([{ Key: "del/b", Code: "PreconditionFailed" }]);
    const tooMany = Array.from({ length: 1001 }, (_, i) => ({ Key: `k${i}` }));
    const refused = client.send(new S3.DeleteObjectsCommand({ Bucket, Delete: { Objects: tooMany } }));
    expect(await outcome(refused)).toBe("400 MalformedXML");
  });

  it("verifies checksums and stores nothing if they are wrong", async () => {
    const wrong: Partial<S3.PutObjectCommandInput>[] = [
      { ChecksumCRC32: "AAAAAA==" },
      { ChecksumCRC32C: "AAAAAA==" },
      { ChecksumCRC64NVME: "AAAAAAAAAAA=" },
      { ChecksumSHA1: Buffer.alloc(20).toString("base64") },
      { ChecksumSHA256: Buffer.alloc(32).toString("base64") },
      { ContentMD5: Buffer.alloc(16).toString("base64") },
    ];
    for (const more of wrong) expect(await outcome(put("sum/wrong", "x", more))).toBe("400 BadDigest");
    expect(await outcome(put("sum/wrong", "x", { ContentMD5: "short" }))).toBe("400 InvalidDigest");
    expect(await outcome(head("sum/wrong"))).toBe("404 NotFound");
    const right = { ChecksumCRC64NVME: Buffer.from("ae8b14860a799888", "hex").toString("base64") };
    await put("sum/right", "123456789", right);
    expect(await head("sum/right", { ChecksumMode: "ENABLED" })).toMatchObject(right);
    expect((await head("sum/right")).ChecksumCRC64NVME).toBeUndefined();
  });

  it("manages buckets", async () => {
    const other = { Bucket: `other-${kind}` };
    expect(await outcome(client.send(new S3.HeadBucketCommand(other)))).toBe("404 NotFound");
    expect(await outcome(client.send(new S3.CreateBucketCommand({ Bucket: "No_Name" })))).toBe(
      "400 InvalidBucketName",
    );
    await client.send(new S3.CreateBucketCommand(other));
    expect(await outcome(client.send(new S3.CreateBucketCommand(other)))).toBe("409 BucketAlreadyOwnedByYou");
    expect(server.buckets).toContain(other.Bucket);
    const { Buckets } = await client.send(new S3.ListBucketsCommand({}));
    expect(Buckets?.map((bucket) => bucket.Name)).toEqual([Bucket, other.Bucket]);
    const { LocationConstraint } = await client.send(new S3.GetBucketLocationCommand(other));
    expect(LocationConstraint ?? "").toBe("");
    const more = { ...other, Key: "a" };
    await client.send(new S3.PutObjectCommand({ ...more, Body: "x" }));
    expect(await outcome(client.send(new S3.DeleteBucketCommand(other)))).toBe("409 BucketNotEmpty");
    await client.send(new S3.DeleteObjectCommand(more));
    await client.send(new S3.DeleteBucketCommand(other));
    expect(await outcome(client.send(new S3.PutObjectCommand({ ...more, Body: "x" })))).toBe(
      "404 NoSuchBucket",
    );
    expect(await outcome(client.send(new S3.GetObjectCommand(more)))).toBe("404 NoSuchBucket");
  });

  it("returns NotImplemented for what it does not implement", async () => {
    expect(await outcome(put("no", "x", { Tagging: "a=b" }))).toBe("501 NotImplemented");
    expect(await outcome(put("no", "x", { ACL: "public-read" }))).toBe("501 NotImplemented");
    expect(await outcome(client.send(new S3.GetObjectAclCommand({ Bucket, Key: "no" })))).toBe(
      "501 NotImplemented",
    );
    expect(await outcome(put("big", "x", { Metadata: { a: "x".repeat(2048) } }))).toBe(
      "400 MetadataTooLarge",
    );
  });

  it("keeps nothing of an upload whose client disconnected", async () => {
    const { credentials, region, endpoint } = server;
    const url = `${endpoint}/${Bucket}/gone`;
    const headers = await signS3Request({
      method: "PUT",
      url,
      payloadHash: "UNSIGNED-PAYLOAD",
      credentials,
      region,
    });
    const received = server.requests.bytesIn;
    const request = httpRequest(url, { method: "PUT", headers: { ...headers, "content-length": 1000 } });
    const ended = new Promise((resolve) => {
      request.on("error", resolve);
    });
    request.write("half");
    await expect.poll(() => server.requests.bytesIn).toBe(received + 4);
    request.destroy(new Error("gone"));
    await ended;
    expect(await outcome(head("gone"))).toBe("404 NotFound");
  });
});
