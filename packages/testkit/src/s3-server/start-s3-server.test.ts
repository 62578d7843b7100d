import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as S3 from "@aws-sdk/client-s3";
import { afterEach, describe, expect, it } from "vitest";
import { signS3Request } from "../../test/support/sign-request.ts";
import { type S3Server, type S3ServerOptions, startS3Server } from "./start-s3-server.ts";

const Bucket = "data";
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: S3ServerOptions = {}): Promise<{ server: S3Server; client: S3.S3Client }> {
  const server = await startS3Server({ buckets: [Bucket], ...options });
  const { endpoint, region, credentials } = server;
  const client = new S3.S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
  cleanups.push(
    () => server.close(),
    () => client.destroy(),
  );
  return { server, client };
}

function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), "s3-server-"));
  cleanups.push(() => rmSync(dir, { recursive: true }));
  return dir;
}

async function ask(
  server: S3Server,
  method: string,
  path: string,
  more: { body?: string; headers?: Record<string, string>; host?: string; agent?: Agent } = {},
): Promise<{
  status: number | undefined;
  text: string;
  headers: IncomingMessage["headers"];
  port: number | undefined;
}> {
  const { credentials, region } = server;
  const { body = "", host = `127.0.0.1:${server.port}` } = more;
  const url = `http://${host}${path}`;
  const signed = await signS3Request({ method, url, body, credentials, region });
  const headers = { ...signed, ...more.headers, host, "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const options = { port: server.port, host: "127.0.0.1", method, path, headers };
    const request = httpRequest({ ...options, ...(more.agent && { agent: more.agent }) }, (response) => {
      const port = response.socket.localPort;
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode, text, headers: response.headers, port }),
      );
    });
    request.on("error", reject);
    request.on("continue", () => request.end(body));
    if (more.headers?.["expect"] === undefined) request.end(body);
    else request.flushHeaders();
  });
}

describe("startS3Server", () => {
  it("keeps the objects of a directory across a restart, without incomplete ones", async () => {
    const dir = temporaryDirectory();
    const first = await start({ dir });
    const keys = ["a/b=1/x", "a", "A", "../up", "con", "nul.txt", "trailing. ", "k".repeat(1024)];
    for (const Key of keys) {
      await first.client.send(
        new S3.PutObjectCommand({ Bucket, Key, Body: `body of ${Key}`, Metadata: { m: "1" } }),
      );
    }
    const big = Buffer.alloc(2_000_000, "z");
    await first.client.send(new S3.PutObjectCommand({ Bucket, Key: "big", Body: big }));
    await first.client.send(new S3.DeleteObjectCommand({ Bucket, Key: "A" }));
    const { UploadId } = await first.client.send(new S3.CreateMultipartUploadCommand({ Bucket, Key: "mp" }));
    await first.client.send(
      new S3.UploadPartCommand({ Bucket, Key: "mp", UploadId, PartNumber: 1, Body: big }),
    );
    const listed = await first.client.send(new S3.ListObjectsV2Command({ Bucket }));
    await first.server.close();

    const second = await start({ dir });
    const again = await second.client.send(new S3.ListObjectsV2Command({ Bucket }));
    expect(again.Contents).toEqual(listed.Contents);
    expect(again.Contents).toHaveLength(keys.length);
    const found = await second.client.send(new S3.GetObjectCommand({ Bucket, Key: "../up" }));
    expect(await found.Body?.transformToString()).toBe("body of ../up");
    expect(found.Metadata).toEqual({ m: "1" });
    const whole = await second.client.send(new S3.GetObjectCommand({ Bucket, Key: "big" }));
    expect(big.equals((await whole.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
    expect(readdirSync(join(dir, "staging"))).toEqual([]);
  });

  it("counts requests and bytes", async () => {
    const { server, client } = await start();
    await client.send(
      new S3.PutObjectCommand({ Bucket, Key: "a", Body: "12345", ContentMD5: "gnzLDuqKcGxMNKFokfhOew==" }),
    );
    const found = await client.send(new S3.GetObjectCommand({ Bucket, Key: "a" }));
    await found.Body?.transformToString();
    await client.send(new S3.HeadObjectCommand({ Bucket, Key: "none" })).catch(() => {});
    expect(server.requests.byOperation()).toEqual({ PutObject: 1, GetObject: 1, HeadObject: 1 });
    expect(server.requests).toMatchObject({ total: 3, bytesIn: 5, bytesOut: 5, peakInFlight: 1 });
    server.requests.reset();
    expect(server.requests.count("PutObject")).toBe(0);
    expect(server.requests.total).toBe(0);
  });

  it("closes with idle, busy and stalled connections", async () => {
    const { server } = await start({ faults: [{ operation: "GetObject", fault: { kind: "stall" } }] });
    const idle = connect(server.port, "127.0.0.1");
    const idleClosed = new Promise((resolve) => {
      idle.on("close", resolve).on("error", () => {});
    });
    const stalled = ask(server, "GET", "/data/none");
    server.setFaults([{ fault: { kind: "latency", ms: 3_600_000 } }]);
    const late = ask(server, "GET", "/data/none");
    await expect.poll(() => server.requests.total).toBe(2);
    const ends = Promise.allSettled([stalled, late]);
    await Promise.all([server.close(), server.close()]);
    expect((await ends).every((end) => end.status === "rejected" || end.value.status === 404)).toBe(true);
    await idleClosed;
    await expect(fetch(server.endpoint)).rejects.toThrow();
  });

  it("is closed by `await using`", async () => {
    let endpoint: string;
    {
      await using server = await startS3Server();
      endpoint = server.endpoint;
      expect((await fetch(endpoint)).status).toBe(403);
    }
    await expect(fetch(endpoint)).rejects.toThrow();
  });

  it.each([
    [{ bucket: ["data"] }, /Did you mean buckets\?/],
    [{ buckets: "data" }, /buckets must be an array of strings/],
    [{ port: "9000" }, /port must be a whole number/],
    [{ dir: 1 }, /dir must be a string/],
    [{ credentials: { accessKeyId: "a" } }, /credentials must be an object with the strings/],
    [{ credentials: null }, /credentials must be/],
    [{ region: 1 }, /region must be a string/],
    [{ profile: "minio" }, /profile must be "s3" or "r2"/],
    [{ faults: {} }, /faults must be an array/],
    [{ writesPerSecondPerKey: 0 }, /writesPerSecondPerKey must be a number above 0/],
    [{ now: 0 }, /now must be a function/],
  ])("rejects the options %j with invalid_argument", async (options, message) => {
    // As a caller without types passes it.
    await expect(startS3Server(options as S3ServerOptions)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(message),
    });
  });

  it("rejects a port that is in use and an invalid bucket name", async () => {
    const { server } = await start();
    await expect(startS3Server({ port: server.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await expect(startS3Server({ buckets: ["Not_A_Bucket"] })).rejects.toThrow(/"Not_A_Bucket" is not/);
  });

  it("accepts virtual-host style requests", async () => {
    const { server } = await start();
    const host = `data.localhost:${server.port}`;
    expect((await ask(server, "PUT", "/a/b", { host, body: "x" })).status).toBe(200);
    expect(await ask(server, "GET", "/data/a/b")).toMatchObject({ status: 200, text: "x" });
    expect((await ask(server, "GET", "/?list-type=2", { host })).text).toContain("<Key>a/b</Key>");
  });

  it("answers Expect: 100-continue and does not request a body that it rejects", async () => {
    const { server } = await start();
    const headers = { expect: "100-continue" };
    expect((await ask(server, "PUT", "/data/a", { body: "x", headers })).status).toBe(200);
    const refused = await ask(server, "PUT", "/none/a", { body: "x", headers });
    expect(refused).toMatchObject({ status: 404, headers: { connection: "close" } });
    expect(server.requests.bytesIn).toBe(1);
  });

  it("keeps a connection open across requests and errors", async () => {
    const { server } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    cleanups.push(() => agent.destroy());
    const answers = [
      await ask(server, "PUT", "/data/a", { agent, body: "x" }),
      await ask(server, "PUT", "/none/a", { agent, body: "x".repeat(300_000) }),
      await ask(server, "GET", "/data/none", { agent }),
      await ask(server, "HEAD", "/data/a", { agent }),
      await ask(server, "DELETE", "/data/a", { agent }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([200, 404, 404, 200, 204]);
    expect(new Set(answers.map((answer) => answer.port)).size).toBe(1);
    expect((await fetch(`${server.endpoint}/%zz`)).status).toBe(400);
  });
});

describe("profile r2", () => {
  const MIB = 1024 ** 2;
  const put = (Key: string, Body: string, more: Partial<S3.PutObjectCommandInput> = {}) =>
    new S3.PutObjectCommand({ Bucket, Key, Body, ...more });

  it("differs from s3 like R2", async () => {
    const { server, client } = await start({ profile: "r2" });
    expect(server.region).toBe("auto");
    await client.send(put("caf\u0065\u0301", "1"));
    const { Contents } = await client.send(new S3.ListObjectsV2Command({ Bucket }));
    expect(Contents?.map((entry) => entry.Key)).toEqual(["caf\u00e9"]);
    await expect(client.send(put("none", "1", { IfMatch: '"x"' }))).rejects.toMatchObject({
      name: "PreconditionFailed",
    });
    await expect(client.send(put("a", "1", { ACL: "private" }))).rejects.toMatchObject({
      name: "NotImplemented",
    });
    const Objects = Array.from({ length: 701 }, (_, i) => ({ Key: `k${i}` }));
    const batch = (count: number) =>
      client.send(new S3.DeleteObjectsCommand({ Bucket, Delete: { Objects: Objects.slice(0, count) } }));
    await expect(batch(701)).rejects.toMatchObject({ name: "MalformedXML" });
    expect((await batch(700)).Deleted).toHaveLength(700);
  });

  it("requires equal parts, returns opaque ETags and discards an upload whose condition fails", async () => {
    const { client } = await start({ profile: "r2" });
    const upload = async (Key: string, sizes: readonly number[]) => {
      const { UploadId } = await client.send(new S3.CreateMultipartUploadCommand({ Bucket, Key }));
      const Parts: S3.CompletedPart[] = [];
      for (const [i, size] of sizes.entries()) {
        const PartNumber = i + 1;
        const Body = Buffer.alloc(size);
        const { ETag } = await client.send(
          new S3.UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }),
        );
        Parts.push({ PartNumber, ETag });
      }
      return (more: Partial<S3.CompleteMultipartUploadCommandInput> = {}) =>
        client.send(
          new S3.CompleteMultipartUploadCommand({
            Bucket,
            Key,
            UploadId,
            MultipartUpload: { Parts },
            ...more,
          }),
        );
    };
    const uneven = await upload("uneven", [5 * MIB, 6 * MIB, 1]);
    await expect(uneven()).rejects.toMatchObject({ name: "InvalidPart" });
    const first = await (await upload("same", [5 * MIB, 1]))();
    const second = await (await upload("same", [5 * MIB, 1]))();
    expect(first.ETag).toMatch(/-2"$/);
    expect(second.ETag).not.toBe(first.ETag);
    const conditional = await upload("same", [1]);
    await expect(conditional({ IfNoneMatch: "*" })).rejects.toMatchObject({ name: "PreconditionFailed" });
    await expect(conditional()).rejects.toMatchObject({ name: "NoSuchUpload" });
  });
});
