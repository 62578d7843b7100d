import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as S3 from "@aws-sdk/client-s3";
import { afterAll, expect } from "vitest";
import { type S3Server, startS3Server } from "../../src/s3-server/start-s3-server.ts";

export const Bucket = "data";
export const MIB: number = 1024 ** 2;

/** Where a server keeps its objects. */
export const KINDS = ["memory", "dir"] as const;

/** A server, a client of it, and the calls that most tests need. */
export interface ServedObjects {
  readonly server: S3Server;
  readonly client: S3.S3Client;
  put(
    Key: string,
    Body: S3.PutObjectCommandInput["Body"],
    more?: Partial<S3.PutObjectCommandInput>,
  ): Promise<S3.PutObjectCommandOutput>;
  /** Reads the whole body: an unread one keeps its socket open and fails when the server closes. */
  get(
    Key: string,
    more?: Partial<S3.GetObjectCommandInput>,
  ): Promise<S3.GetObjectCommandOutput & { readonly bytes: Buffer }>;
  head(Key: string, more?: Partial<S3.HeadObjectCommandInput>): Promise<S3.HeadObjectCommandOutput>;
}

/** Starts a server for the tests of a suite. */
export async function serveObjects(kind: (typeof KINDS)[number]): Promise<ServedObjects> {
  const dir = kind === "dir" ? mkdtempSync(join(tmpdir(), "s3-server-")) : undefined;
  const server = await startS3Server({ buckets: [Bucket], ...(dir && { dir }) });
  const { endpoint, region, credentials } = server;
  const client = new S3.S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
  afterAll(async () => {
    client.destroy();
    await server.close();
    if (dir !== undefined) rmSync(dir, { recursive: true });
  });
  return {
    server,
    client,
    put: (Key, Body, more = {}) =>
      client.send(new S3.PutObjectCommand({ Bucket, Key, Body: Body ?? "", ...more })),
    async get(Key, more = {}) {
      const output = await client.send(new S3.GetObjectCommand({ Bucket, Key, ...more }));
      return { ...output, bytes: Buffer.from((await output.Body?.transformToByteArray()) ?? []) };
    },
    head: (Key, more = {}) => client.send(new S3.HeadObjectCommand({ Bucket, Key, ...more })),
  };
}

export function md5(bytes: Buffer | string): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** Returns `ok`, or the status and code with which a call was rejected. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (!(error instanceof S3.S3ServiceException)) throw error;
    return `${error.$metadata.httpStatusCode} ${error.name}`;
  }
}

/** Compares whole bodies; `toEqual` takes seconds for megabytes. */
export function expectBytes(actual: Buffer, expected: Buffer | undefined): void {
  expect(md5(actual)).toBe(md5(expected ?? ""));
}
