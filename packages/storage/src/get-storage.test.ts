import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getStorage } from "./get-storage.ts";
import { openBackend } from "./open-backend.ts";
import { readStorageConfig } from "./storage-config.ts";

const SECRET = "a-very-secret-value-0123456789";
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-config-"));
  await writeFile(join(root, "file"), "");
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** The message of the error that a configuration gives. */
async function refusal(env: Record<string, string>, envPrefix?: string): Promise<string> {
  const error: unknown = await getStorage({ env, envPrefix }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "StorageError", code: "invalid_argument" });
  const shown = `${String(error)} ${JSON.stringify(error)} ${inspect(error, { depth: 9, showHidden: true })}`;
  expect(shown).not.toContain(SECRET);
  return String(error);
}

describe("getStorage", () => {
  it("opens the local data root, under the first user's names, the project's own, or a chosen prefix", async () => {
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

  it("names what is missing, what it is for and what to do", async () => {
    const message = await refusal({});
    expect(message).toContain(
      "PARQUETRY_DATA_ROOT or CFB_MODEL_DATA_ROOT is missing: the folder that holds the data",
    );
    expect(message).toContain("parquetry init");
  });

  it("refuses an option that it does not know", async () => {
    const misspelt: object = { env: { NFL_DATA_ROOT: root }, envprefix: "NFL" };
    await expect(getStorage(misspelt)).rejects.toThrow(
      'there is no option "envprefix". Did you mean envPrefix?',
    );
    await expect(openBackend(root, misspelt)).rejects.toThrow("Did you mean envPrefix?");
  });

  it("names all problems at once, and no secret", async () => {
    const message = await refusal({
      CFB_STORAGE_BACKEND: "r2",
      PARQUETRY_R2_BUCKET: "Not_A_Bucket",
      CFB_R2_SECRET_KEY: `${SECRET} with a space`,
      CFB_R2_JURISDICTION: "mars",
    });
    for (const part of [
      'PARQUETRY_R2_BUCKET "Not_A_Bucket" is no bucket name',
      "CFB_R2_ACCOUNT_ID is missing",
      "CFB_R2_ACCESS_KEY is missing",
      "CFB_R2_SECRET_KEY holds white space",
      'CFB_R2_JURISDICTION "mars" is neither eu nor fedramp',
    ]) {
      expect(message).toContain(part);
    }
  });

  it.each([
    [{ CFB_STORAGE_BACKEND: "gcs" }, 'CFB_STORAGE_BACKEND "gcs" is none of local, r2, s3'],
    [{ CFB_STORAGE_BACKEND: "s3" }, "CFB_S3_BUCKET is missing"],
    [
      { CFB_STORAGE_BACKEND: "s3", CFB_S3_BUCKET: "abc", CFB_S3_ENDPOINT: "localhost:9000" },
      "is no http or https URL",
    ],
    [
      { CFB_STORAGE_BACKEND: "s3", CFB_S3_BUCKET: "abc", CFB_S3_FORCE_PATH_STYLE: "maybe" },
      "is neither true nor false",
    ],
    [{ CFB_STORAGE_BACKEND: "s3", CFB_S3_BUCKET: "abc", CFB_S3_PREFIX: "../up" }, "is no relative path"],
    [{ CFB_MODEL_DATA_ROOT: "/no/such/folder" }, "The data root /no/such/folder does not exist"],
  ])("refuses %j", async (env, reason) => {
    expect(await refusal(env)).toContain(reason);
  });

  it("refuses a data root that is a file, and a prefix that is none", async () => {
    expect(await refusal({ PARQUETRY_DATA_ROOT: join(root, "file") })).toContain("is a file, not a folder");
    expect(await refusal({}, "a b")).toContain("cannot start a variable's name");
  });

  it("makes R2's endpoint of the account and the jurisdiction", () => {
    const env = {
      P_R2_BUCKET: "abc",
      P_R2_ACCOUNT_ID: "acc",
      P_R2_ACCESS_KEY: "k",
      P_R2_SECRET_KEY: "s",
      P_R2_JURISDICTION: "eu",
    };
    expect(readStorageConfig({ env, envPrefix: "P", backend: "r2" })).toMatchObject({
      accountId: "acc",
      jurisdiction: "eu",
    });
  });

  it("gives no secret away, whatever is printed", async () => {
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

describe("a store that cannot be used", () => {
  it("is unreachable: unavailable, at once, naming the endpoint", async () => {
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

  it("refuses the credentials: unauthenticated, with the remedy and without the secret", async () => {
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

  it("has no such bucket: not_found, naming it", async () => {
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

describe("openBackend", () => {
  it("opens paths and file URLs", async () => {
    expect((await openBackend(root)).url()).toBe(root);
    expect((await openBackend(`file://${root}`)).url()).toBe(root);
  });

  it.each([
    ["gs://bucket", "gs:// is no address"],
    [`s3://key:${SECRET}@bucket`, "holds no credentials"],
    ["s3://", "names no bucket"],
    ["r2://bucket", "R2_ACCOUNT_ID is missing"],
    ["s3://Not_A_Bucket", "is no bucket name"],
    ["file://elsewhere/x", "is no file URL"],
    ["", "is empty"],
  ])("refuses %s", async (address, reason) => {
    const error: unknown = await openBackend(address, { env: {} }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining(reason) });
    expect(String(error)).not.toContain(SECRET);
  });
});
