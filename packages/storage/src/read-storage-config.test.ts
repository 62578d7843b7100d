import { describe, expect, it } from "vitest";
import { readStorageConfig } from "./read-storage-config.ts";

const R2 = { P_R2_BUCKET: "abc", P_R2_ACCOUNT_ID: "acc", P_R2_ACCESS_KEY: "k", P_R2_SECRET_KEY: "s" };
const S3 = { P_S3_BUCKET: "abc" };

describe("readStorageConfig", () => {
  it.each<readonly [string, "r2" | "s3", Record<string, string>, object]>([
    ["a bucket name with dots and hyphens", "s3", { P_S3_BUCKET: "my.bucket-1" }, { bucket: "my.bucket-1" }],
    ["a key with symbols", "r2", { P_R2_SECRET_KEY: "a/b+c=" }, { secretAccessKey: "a/b+c=" }],
    ["an http URL", "s3", { P_S3_ENDPOINT: "http://localhost:9000" }, { endpoint: "http://localhost:9000" }],
    [
      "a URL with white space",
      "s3",
      { P_S3_ENDPOINT: " HTTPS://[::1]/a\tb\n" },
      { endpoint: "HTTPS://[::1]/ab" },
    ],
    ["a prefix with a slash at its end", "s3", { P_S3_PREFIX: "nfl/2024/" }, { prefix: "nfl/2024" }],
    ["a jurisdiction", "r2", { P_R2_JURISDICTION: "eu" }, { accountId: "acc", jurisdiction: "eu" }],
    [
      "an endpoint instead of the account",
      "r2",
      { P_R2_ACCOUNT_ID: "", P_R2_ENDPOINT: "http://a" },
      { endpoint: "http://a" },
    ],
    ...["true", "1", "Yes", "on", "y", "ENABLED"].map(
      (word) => [`${word} as true`, "s3", { P_S3_FORCE_PATH_STYLE: word }, { forcePathStyle: true }] as const,
    ),
    ...["false", "0", "No", "off", "n", "DISABLED"].map(
      (word) =>
        [`${word} as false`, "s3", { P_S3_FORCE_PATH_STYLE: word }, { forcePathStyle: false }] as const,
    ),
  ])("accepts %s", async (_, backend, variables, expected) => {
    const env = { ...R2, ...S3, ...variables };
    expect(await readStorageConfig({ env, envPrefix: "P", backend })).toMatchObject(expected);
  });

  it("has defaults for everything that is optional", async () => {
    expect(await readStorageConfig({ env: S3, envPrefix: "P", backend: "s3" })).toEqual({
      backend: "s3",
      bucket: "abc",
      prefix: "",
    });
    expect(
      await readStorageConfig({ env: { ...S3, AWS_REGION: "eu-west-1" }, envPrefix: "P", backend: "s3" }),
    ).toMatchObject({ region: "eu-west-1" });
    expect(
      await readStorageConfig({ env: { AWS_PROFILE: "work", P_DATA_ROOT: "/data" }, envPrefix: "P" }),
    ).toEqual({ backend: "local", root: "/data" });
  });

  it.each<readonly [string, readonly string[]]>([
    ["P_S3_BUCKET", ["ab", "-ab", "ab-", "aB1", "a_b", "a".repeat(64), "abc\n"]],
    ["P_R2_ACCESS_KEY", ["a b", "a\n", " a"]],
    [
      "P_S3_ENDPOINT",
      ["localhost:9000", "http:/a", "http:a", "ftp://a", "http://", "http://a:b", "ht\ntp://a"],
    ],
    ["P_S3_FORCE_PATH_STYLE", ["maybe", " true"]],
    ["P_S3_PREFIX", ["/", "/a", "a//b", "a/../b", ".", "a//"]],
    ["P_R2_JURISDICTION", ["mars", "EU"]],
    ["P_STORAGE_BACKEND", ["gcs", " s3"]],
  ])("rejects invalid values of %s", async (variable, values) => {
    for (const value of values) {
      const options = { env: { ...R2, ...S3, [variable]: value }, envPrefix: "P" };
      const backend = variable.startsWith("P_R2") ? "r2" : variable.startsWith("P_S3") ? "s3" : undefined;
      await expect(readStorageConfig({ ...options, backend }), JSON.stringify(value)).rejects.toMatchObject({
        code: "invalid_argument",
        op: "config",
        message: expect.stringContaining(variable),
      });
    }
  });
});
