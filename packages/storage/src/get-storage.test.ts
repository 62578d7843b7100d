import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configuredCloud } from "./configured-cloud.ts";
import { getBackend } from "./get-backend.ts";
import { getStorage, openStorage } from "./get-storage.ts";
import { openBackend } from "./open-backend.ts";
import { readStorageConfig } from "./read-storage-config.ts";

const SECRET = "a-very-secret-value-0123456789";
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-config-"));
  await writeFile(join(root, "file"), "");
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Returns the message of the error that a configuration causes; checks that no secret is in it. */
async function refusal(env: Record<string, string>, envPrefix?: string): Promise<string> {
  const error: unknown = await getStorage({ env, envPrefix }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "StorageError", code: "invalid_argument" });
  const shown = `${String(error)} ${JSON.stringify(error)} ${inspect(error, { depth: 9, showHidden: true })}`;
  expect(shown).not.toContain(SECRET);
  return String(error);
}

describe("getStorage", () => {
  it("opens the local data root named with the CFB, the PARQUETRY or a chosen prefix", async () => {
    expect((await getStorage({ env: { CFB_MODEL_DATA_ROOT: root } })).fullPath("raw/x")).toBe(
      join(root, "raw", "x"),
    );
    expect(
      (await getStorage({ env: { CFB_MODEL_DATA_ROOT: "/nowhere", PARQUETRY_DATA_ROOT: root } })).root(),
    ).toBe(root);
    expect(
      (
        await getStorage({ env: { NFL_DATA_ROOT: root, NFL_STORAGE_BACKEND: "LOCAL" }, envPrefix: "NFL" })
      ).root(),
    ).toBe(root);
  });

  it("names a missing variable by the project's own prefix, with its purpose and the remedy", async () => {
    const message = await refusal({});
    expect(message).toContain("PARQUETRY_DATA_ROOT is missing: the folder that holds the data");
    expect(message).not.toContain("CFB");
    expect(message).toContain("parquetry init");
    expect(await refusal({ PARQUETRY_DATA_ROOT: "" })).toContain("PARQUETRY_DATA_ROOT is empty: the folder");
  });

  it("names all problems in one error, without secrets", async () => {
    const message = await refusal({
      CFB_STORAGE_BACKEND: "r2",
      PARQUETRY_R2_BUCKET: "Not_A_Bucket",
      CFB_R2_SECRET_KEY: `${SECRET} with a space`,
      CFB_R2_JURISDICTION: "mars",
    });
    for (const part of [
      'PARQUETRY_R2_BUCKET "Not_A_Bucket" is not a bucket name',
      "PARQUETRY_R2_ACCOUNT_ID is missing",
      "PARQUETRY_R2_ACCESS_KEY is missing",
      "CFB_R2_SECRET_KEY contains white space",
      'CFB_R2_JURISDICTION "mars" is none of eu, us and fedramp',
    ]) {
      expect(message).toContain(part);
    }
  });

  it.each([
    [{ CFB_STORAGE_BACKEND: "gcs" }, 'CFB_STORAGE_BACKEND "gcs" is not one of local, r2, s3'],
    [{ CFB_STORAGE_BACKEND: "s3" }, "PARQUETRY_S3_BUCKET is missing"],
    [
      { CFB_STORAGE_BACKEND: "s3", CFB_S3_BUCKET: "abc", CFB_S3_ENDPOINT: "localhost:9000" },
      "is not an http or https URL",
    ],
    [
      { CFB_STORAGE_BACKEND: "s3", CFB_S3_BUCKET: "abc", CFB_S3_FORCE_PATH_STYLE: "maybe" },
      "is neither true nor false",
    ],
    [{ CFB_STORAGE_BACKEND: "s3", CFB_S3_BUCKET: "abc", CFB_S3_PREFIX: "../up" }, "is not a relative path"],
    [{ CFB_MODEL_DATA_ROOT: "/no/such/folder" }, "The data root /no/such/folder does not exist"],
  ])("rejects %j", async (env, reason) => {
    expect(await refusal(env)).toContain(reason);
  });

  it("rejects a data root that is a file, and an invalid envPrefix", async () => {
    expect(await refusal({ PARQUETRY_DATA_ROOT: join(root, "file") })).toContain("is a file, not a folder");
    expect(await refusal({}, "a b")).toContain("cannot start the name of a variable");
  });

  it("reveals no secret when it is inspected or serialized", async () => {
    const storage = await getStorage({
      env: {
        CFB_STORAGE_BACKEND: "s3",
        CFB_S3_BUCKET: "abc",
        CFB_S3_ENDPOINT: "http://127.0.0.1:9",
        AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
        AWS_SECRET_ACCESS_KEY: SECRET,
      },
    });
    expect(inspect(storage, { depth: 20, showHidden: true })).not.toContain(SECRET);
    expect(JSON.stringify(storage)).not.toContain(SECRET);
    await storage.close();
  });
});

describe("an unusable store", () => {
  it("fails with unavailable and names the endpoint when it cannot be reached", async () => {
    const env = {
      CFB_S3_ENDPOINT: "http://127.0.0.1:9",
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: SECRET,
    };
    const backend = await openBackend("s3://bucket/prefix", { env });
    const storage = backend.list();
    await expect(storage[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("127.0.0.1:9 cannot be reached"),
    });
  });

  it("fails with unauthenticated, with the remedy and without the secret, when it rejects the credentials", async () => {
    await using server = await startS3Server({ buckets: ["bucket"] });
    const env = {
      CFB_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: "wrong",
      AWS_SECRET_ACCESS_KEY: SECRET,
    };
    const backend = await openBackend("s3://bucket", { env });
    const error: unknown = await backend
      .list()
      [Symbol.asyncIterator]()
      .next()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("check the access key"),
    });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(SECRET);
  });

  it("fails with not_found and names the bucket when the bucket does not exist", async () => {
    await using server = await startS3Server({ buckets: ["bucket"] });
    const { accessKeyId, secretAccessKey } = server.credentials;
    const env = {
      CFB_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    const backend = await openBackend("s3://another", { env });
    await expect(backend.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("no such bucket"),
    });
  });
});

describe("options", () => {
  const CALLS: Readonly<Record<string, (options: object) => Promise<unknown>>> = {
    getStorage,
    getBackend,
    readStorageConfig,
    configuredCloud,
    openStorage: (options) => openStorage(root, options),
    openBackend: (options) => openBackend(root, options),
  };
  const WRONG = [
    { envprefix: "NFL" },
    { envPrefix: 1 },
    { env: "A=1" },
    { env: 1 },
    { onRetry: "log" },
    { backend: "gcs" },
    { backend: true },
  ];

  it.each(Object.keys(CALLS).flatMap((call) => WRONG.map((options) => [call, options] as const)))(
    "%s rejects %j with invalid_argument",
    async (call, options) => {
      const [name = ""] = Object.keys(options);
      await expect(CALLS[call]?.({ env: { PARQUETRY_DATA_ROOT: root }, ...options })).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining(name),
      });
    },
  );

  it("suggests the option that was probably meant", async () => {
    const misspelt: object = { envprefix: "NFL" };
    await expect(openBackend(root, misspelt)).rejects.toThrow(
      'there is no option "envprefix". Did you mean envPrefix?',
    );
  });
});

describe("configuredCloud", () => {
  it.each([
    [{}, undefined],
    [{ CFB_R2_BUCKET: "a", PARQUETRY_S3_BUCKET: "b" }, "r2"],
    [{ CFB_S3_BUCKET: "b", PARQUETRY_STORAGE_BACKEND: "local" }, "s3"],
    [{ CFB_R2_BUCKET: "a", PARQUETRY_STORAGE_BACKEND: "S3" }, "s3"],
  ])("for %j is %s", async (env, backend) => {
    expect(await configuredCloud({ env })).toBe(backend);
  });

  it("rejects an unknown backend", async () => {
    await expect(configuredCloud({ env: { CFB_STORAGE_BACKEND: "gcs" } })).rejects.toThrow(
      "not one of local",
    );
  });
});

describe("openStorage", () => {
  it("opens tables at a URI", async () => {
    await using server = await startS3Server({ buckets: ["bucket"] });
    const { accessKeyId, secretAccessKey } = server.credentials;
    const env = {
      CFB_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    const storage = await openStorage("s3://bucket/some/where", { env });
    await storage.writeParquet("games.parquet", [{ team: "Rice" }]);
    expect(await storage.readParquet("games.parquet")).toEqual([{ team: "Rice" }]);
    expect(storage.root()).toBe("s3://bucket/some/where");
    await storage.close();
  });
});

describe("openBackend", () => {
  it("opens paths and file URLs", async () => {
    expect((await openBackend(root)).url()).toBe(root);
    expect((await openBackend(`file://${root}`)).url()).toBe(root);
  });

  it.each([
    ["gs://bucket", "gs:// is not supported"],
    [`s3://key:${SECRET}@bucket`, "must not contain credentials"],
    ["s3://", "has no bucket"],
    ["r2://bucket", "R2_ACCOUNT_ID is missing"],
    ["s3://Not_A_Bucket", /is not a bucket name .*\nCorrect the URI\.$/],
    ["s3://bucket/a//b", 'The URI\'s prefix "a//b" is not a relative path'],
    ["file://elsewhere/x", "is not a file URL"],
    ["", "is empty"],
  ])("rejects %s", async (address, reason) => {
    const error: unknown = await openBackend(address, { env: {} }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(reason) });
    expect(String(error)).not.toContain(SECRET);
  });
});
