import { readFileSync } from "node:fs";
import { join } from "node:path";
import { abilitiesOf, parsePrefix } from "@parquetry/core/backend";
import { CONFORMANCE_CASES, FULL_CONFORMANCE } from "@parquetry/testkit";
import { startS3Server } from "@parquetry/testkit/s3-server";
import { expect, it } from "vitest";
import { createS3Backend } from "../src/index.ts";

/** The actions of IAM that AWS asks for, by operation, with what they are granted on. */
const ACTIONS: Readonly<Record<string, string>> = {
  ListObjectsV2: "s3:ListBucket on the bucket",
  ListMultipartUploads: "s3:ListBucketMultipartUploads on the bucket",
  HeadObject: "s3:GetObject on objects",
  GetObject: "s3:GetObject on objects",
  PutObject: "s3:PutObject on objects",
  // Also s3:GetObject, on the source.
  CopyObject: "s3:PutObject on objects",
  CreateMultipartUpload: "s3:PutObject on objects",
  UploadPart: "s3:PutObject on objects",
  UploadPartCopy: "s3:PutObject on objects",
  CompleteMultipartUpload: "s3:PutObject on objects",
  AbortMultipartUpload: "s3:AbortMultipartUpload on objects",
  DeleteObject: "s3:DeleteObject on objects",
  DeleteObjects: "s3:DeleteObject on objects",
};
const GUIDE = join(import.meta.dirname, "..", "..", "..", "docs", "guides", "move-to-s3.md");

it("calls exactly what the policy of the S3 guide allows", async () => {
  await using server = await startS3Server({ buckets: ["football"] });
  const { endpoint, region, credentials } = server;
  const scale = { ...FULL_CONFORMANCE, listedKeys: 1100, writers: 2, incrementsPerWriter: 2 };
  let count = 0;
  for (const { needs, run } of CONFORMANCE_CASES) {
    const place = {
      endpoint,
      region,
      credentials,
      prefix: parsePrefix(`case${count++}`),
      forcePathStyle: true,
    };
    const backend = createS3Backend({ bucket: "football", ...place });
    if (needs === undefined || abilitiesOf(backend)[needs] !== undefined) await run(backend, scale);
    await backend.close();
  }
  const called = Object.keys(server.requests.byOperation()).map(
    (operation) => ACTIONS[operation] ?? operation,
  );

  const { Statement } = JSON.parse(/```json\n([\s\S]*?)```/.exec(readFileSync(GUIDE, "utf8"))?.[1] ?? "");
  const allowed = Statement.flatMap(({ Action, Resource }: { Action: string[]; Resource: string }) =>
    Action.map((action) => `${action} on ${Resource.endsWith("/*") ? "objects" : "the bucket"}`),
  );
  expect([...new Set(called)].sort()).toEqual(allowed.sort());
});
