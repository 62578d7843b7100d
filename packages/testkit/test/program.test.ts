import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";

const PROGRAM = join(import.meta.dirname, "..", "dist", "bin", "parquetry-testkit.js");

it.each([
  ["s3", "PARQUETRY_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  ["r2", "PARQUETRY_R2", "PARQUETRY_R2_ACCESS_KEY", "PARQUETRY_R2_SECRET_KEY"],
] as const)(
  "parquetry-testkit s3 --profile %s prints the variables that open its bucket",
  async (...names) => {
    const [profile, prefix, accessKey, secretKey] = names;
    const args = [PROGRAM, "s3", "--port", "0", "--bucket", "data", "--profile", profile];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    try {
      let text = "";
      for await (const piece of child.stdout.setEncoding("utf8")) {
        text += piece;
        if (text.includes("Ctrl-C")) break;
      }
      const variables = Object.fromEntries(
        [...text.matchAll(/\b([A-Z][A-Z0-9_]+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]),
      );
      expect(variables).toMatchObject({ PARQUETRY_STORAGE_BACKEND: profile, [`${prefix}_BUCKET`]: "data" });
      const client = new S3Client({
        endpoint: variables[`${prefix}_ENDPOINT`] ?? "",
        region: variables[`${prefix}_REGION`] ?? "auto",
        credentials: {
          accessKeyId: variables[accessKey] ?? "",
          secretAccessKey: variables[secretKey] ?? "",
        },
        forcePathStyle: true,
      });
      await client.send(new HeadBucketCommand({ Bucket: "data" }));
      client.destroy();
    } finally {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    }
    expect(child.exitCode).toBe(0);
  },
);
