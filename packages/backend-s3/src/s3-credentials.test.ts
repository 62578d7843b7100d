import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  abilitiesOf,
  isStorageError,
  parseKey,
  type RetryPolicy,
  type StorageBackend,
} from "@parquetry/core/backend";
import type { ObjectAccess } from "@parquetry/core/unstable";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createS3Backend } from "./s3-backend.ts";

const ONCE: RetryPolicy = { maxAttempts: 1, budgetMs: 1000, baseDelayMs: 1, maxDelayMs: 1 };
const KEY = parseKey("a");
const SECRETS = ["parquetry-test-secret", "the-session-token", "another-secret"];
let server: S3Server;
let home: string;

beforeAll(async () => {
  server = await startS3Server({ buckets: ["access"] });
  home = await mkdtemp(join(tmpdir(), "parquetry-aws-"));
  const { accessKeyId, secretAccessKey } = server.credentials;
  await writeFile(
    join(home, "credentials"),
    `[default]\naws_access_key_id = nobody\naws_secret_access_key = another-secret\n
[football]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );
  await writeFile(join(home, "config"), "[profile football]\nregion = us-east-1\n");
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await server.close();
  await rm(home, { recursive: true });
});

const accessTo = (backend: StorageBackend): Promise<ObjectAccess> | undefined =>
  abilitiesOf(backend).directAccess?.access();

function useFiles(): void {
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(home, "credentials"));
  vi.stubEnv("AWS_CONFIG_FILE", join(home, "config"));
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"])
    vi.stubEnv(name, undefined);
}

/** Checks that no way to print these values shows a secret. */
function expectNoSecret(...values: readonly unknown[]): void {
  for (const value of values) {
    const printed = [
      inspect(value, { depth: 20, showHidden: true, getters: true }),
      JSON.stringify(value) ?? "",
      String(value),
      value instanceof Error ? (value.stack ?? "") : "",
    ].join("\n");
    for (const secret of SECRETS) expect(printed).not.toContain(secret);
  }
}

it("sends temporary credentials with their token, and prints them nowhere", async () => {
  const backend = createS3Backend({
    bucket: "access",
    endpoint: server.endpoint,
    credentials: { ...server.credentials, sessionToken: "the-session-token" },
    retry: ONCE,
  });
  await backend.put(KEY, new Uint8Array(3));
  expect((await backend.head(KEY)).sizeBytes).toBe(3);
  expectNoSecret(backend, await backend.get(parseKey("missing")).catch((error: unknown) => error));
  await backend.close();
});

it("finds temporary credentials in the environment", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", server.credentials.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.credentials.secretAccessKey);
  vi.stubEnv("AWS_SESSION_TOKEN", "the-session-token");
  const backend = createS3Backend({ bucket: "access", endpoint: server.endpoint, retry: ONCE });
  expect((await backend.head(KEY)).sizeBytes).toBe(3);
  expectNoSecret(backend);
  await backend.close();
});

it("uses the credentials of the given profile, not those of the default one", async () => {
  useFiles();
  const options = { bucket: "access", endpoint: server.endpoint, retry: ONCE };
  const football = createS3Backend({ ...options, profile: "football" });
  expect((await football.head(KEY)).sizeBytes).toBe(3);
  await football.close();
  const nobody = createS3Backend({ ...options, profile: "default" });
  const refused = await nobody.get(KEY).catch((error: unknown) => error);
  expect(isStorageError(refused, "unauthenticated")).toBe(true);
  expectNoSecret(nobody, refused);
  await nobody.close();
});

describe("a home folder with AWS files", () => {
  let paris: S3Server;

  beforeAll(async () => {
    paris = await startS3Server({ buckets: ["access"], region: "eu-west-3" });
  });
  afterAll(() => paris.close());

  /** Creates a home folder, and removes every variable of AWS from the environment. */
  async function useHome(config: string): Promise<void> {
    const folder = await mkdtemp(join(home, "home-"));
    const { accessKeyId, secretAccessKey } = server.credentials;
    await mkdir(join(folder, ".aws"));
    await writeFile(join(folder, ".aws", "config"), config);
    await writeFile(
      join(folder, ".aws", "credentials"),
      `[football]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
    for (const name of Object.keys(process.env).filter((name) => name.startsWith("AWS_")))
      vi.stubEnv(name, undefined);
    vi.stubEnv("HOME", folder);
    vi.stubEnv("USERPROFILE", folder);
  }
  const profileOf = (lines: string): string => `[profile football]\nregion = eu-west-3\n${lines}\n`;

  it.each([
    ["endpoint_url", (url: string) => profileOf(`endpoint_url = ${url}`)],
    [
      "a services section",
      (url: string) => `${profileOf("services = lab")}[services lab]\ns3 =\n  endpoint_url = ${url}\n`,
    ],
  ])("provides region, credentials and endpoint of a profile by %s", async (_, config) => {
    await useHome(config(paris.endpoint));
    const read = async (profile?: string): Promise<void> => {
      const backend = createS3Backend({ bucket: "access", retry: ONCE, ...(profile && { profile }) });
      await backend.put(KEY, new Uint8Array(3));
      expect(await accessTo(backend)).toMatchObject({
        ...{ bucket: "access", region: "eu-west-3", endpoint: paris.endpoint, isPathStyle: true },
        credentials: server.credentials,
      });
      await backend.close();
    };
    await read("football");
    vi.stubEnv("AWS_PROFILE", "football");
    await read();
  });

  it("is overridden by options and by the environment", async () => {
    await useHome(profileOf("endpoint_url = http://127.0.0.1:9"));
    const options = { bucket: "access", profile: "football", retry: ONCE };
    const given = createS3Backend({ ...options, region: "us-east-1", endpoint: server.endpoint });
    expect((await given.head(KEY)).sizeBytes).toBe(3);
    expect(await accessTo(given)).toMatchObject({ region: "us-east-1", endpoint: server.endpoint });
    await given.close();
    vi.stubEnv("AWS_ENDPOINT_URL_S3", server.endpoint);
    vi.stubEnv("AWS_REGION", "us-west-1");
    const fromEnvironment = createS3Backend(options);
    expect(await accessTo(fromEnvironment)).toMatchObject({
      ...{ region: "us-west-1", endpoint: server.endpoint },
    });
    await fromEnvironment.close();
    vi.stubEnv("AWS_ENDPOINT_URL_S3", undefined);
    vi.stubEnv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    const ignoring = createS3Backend(options);
    expect(await accessTo(ignoring)).toMatchObject({ bucket: "access", endpoint: undefined });
    await ignoring.close();
  });

  it("implies us-east-1 without a region", async () => {
    await useHome(`[profile football]\nendpoint_url = ${server.endpoint}\n`);
    const backend = createS3Backend({ bucket: "access", profile: "football", retry: ONCE });
    expect((await backend.head(KEY)).sizeBytes).toBe(3);
    expect(await accessTo(backend)).toMatchObject({ region: "us-east-1" });
    await backend.close();
  });
});

it("fetches temporary credentials once while they are valid, and again before they expire", async () => {
  useFiles();
  const calls = join(home, "calls");
  const program = join(home, "credentials.mjs");
  // A separate file, since the SDK reads each file only once.
  const config = join(home, "config-with-process");
  await writeFile(config, `[profile process]\ncredential_process = "${process.execPath}" "${program}"\n`);
  vi.stubEnv("AWS_CONFIG_FILE", config);
  const { accessKeyId, secretAccessKey } = server.credentials;
  const fetchedFor = async (lastsMs: number, isAgain: (times: number) => boolean): Promise<number> => {
    await writeFile(calls, "");
    const answer = {
      ...{ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey },
      SessionToken: "the-session-token",
      Expiration: new Date(Date.now() + lastsMs).toISOString(),
    };
    await writeFile(
      program,
      `import { appendFileSync } from "node:fs"; appendFileSync(${JSON.stringify(calls)}, "x");
      console.log(${JSON.stringify(JSON.stringify(answer))});`,
    );
    const backend = createS3Backend({
      ...{ bucket: "access", endpoint: server.endpoint, retry: ONCE },
      profile: "process",
    });
    // Concurrent requests share one fetch.
    await Promise.all([backend.head(KEY), backend.head(KEY), backend.head(KEY)]);
    // The chain fetches in the background while the old ones are valid.
    const times = async (): Promise<number> => (await readFile(calls, "utf8")).length;
    do await backend.head(KEY);
    while (!isAgain(await times()));
    expectNoSecret(backend);
    await backend.close();
    return times();
  };
  expect(await fetchedFor(3_600_000, () => true)).toBe(1);
  expect(await fetchedFor(60_000, (times) => times > 1)).toBeGreaterThan(1);
});

it("reports a missing profile as unauthenticated, with the variables to set", async () => {
  useFiles();
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  const backend = createS3Backend({
    ...{ bucket: "access", endpoint: server.endpoint, retry: ONCE },
    profile: "no-such-profile",
  });
  await expect(backend.head(KEY)).rejects.toMatchObject({
    code: "unauthenticated",
    message: expect.stringContaining("AWS_PROFILE"),
  });
  await backend.close();
});

it("reports a wrong key without showing it", async () => {
  const { endpoint, credentials } = server;
  const wrong = { ...credentials, secretAccessKey: "another-secret" };
  const backend = createS3Backend({ bucket: "access", endpoint, credentials: wrong, retry: ONCE });
  const failures = await Promise.all([
    backend.get(KEY).catch((error: unknown) => error),
    backend.put(KEY, new Uint8Array(9)).catch((error: unknown) => error),
    backend.put(KEY, new Uint8Array(9), { ifNoneMatch: "*" }).catch((error: unknown) => error),
  ]);
  for (const failure of failures)
    expect(isStorageError(failure, "unauthenticated"), String(failure)).toBe(true);
  expectNoSecret(backend, ...failures);
  await backend.close();
});
