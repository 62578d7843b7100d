import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { abilitiesOf, parseKey, type RetryPolicy } from "@parquetry/core/backend";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { findPlace } from "./aws-client.ts";
import { pathOf } from "./s3-address.ts";
import { createS3Backend, type S3BackendOptions } from "./s3-backend.ts";

const ONCE: RetryPolicy = { maxAttempts: 1, budgetMs: 1000, baseDelayMs: 1, maxDelayMs: 1 };
const KEY = parseKey("raw/a b");
const NOBODY = { accessKeyId: "nobody", secretAccessKey: "nothing" };
const ACCESS_POINT = "arn:aws:s3:eu-west-1:123456789012:accesspoint/plays";

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server({ buckets: ["football"] });
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => server.close());

/** Returns where a request for {@link KEY} would go and the scope of its signature. Nothing is sent. */
async function placeOf(bucket: string, config: S3ClientConfig): Promise<string> {
  const client = new S3Client({ region: "us-east-2", credentials: NOBODY, ...config });
  const place = await findPlace(client, { backend: "s3", bucket, prefersPathStyle: false });
  const { isSecure, host } = place.address;
  return `${isSecure ? "https" : "http"}://${host}${pathOf(place.address, KEY)} ${place.region}/${place.service}`;
}

describe("the endpoint rules of a client", () => {
  const cases: readonly (readonly [
    what: string,
    bucket: string,
    S3ClientConfig,
    host: string,
    scope: string,
  ])[] = [
    ["a bucket", "football", {}, "football.s3.us-east-2.amazonaws.com", "us-east-2/s3"],
    ["a name with a dot", "foot.ball", {}, "s3.us-east-2.amazonaws.com/foot.ball", "us-east-2/s3"],
    [
      "path style",
      "football",
      { forcePathStyle: true },
      "s3.us-east-2.amazonaws.com/football",
      "us-east-2/s3",
    ],
    [
      "FIPS",
      "football",
      { useFipsEndpoint: true },
      "football.s3-fips.us-east-2.amazonaws.com",
      "us-east-2/s3",
    ],
    [
      "dual-stack",
      "football",
      { useDualstackEndpoint: true },
      "football.s3.dualstack.us-east-2.amazonaws.com",
      "us-east-2/s3",
    ],
    [
      "FIPS and dual-stack",
      "football",
      { useFipsEndpoint: true, useDualstackEndpoint: async () => true },
      "football.s3-fips.dualstack.us-east-2.amazonaws.com",
      "us-east-2/s3",
    ],
    [
      "acceleration",
      "football",
      { useAccelerateEndpoint: true },
      "football.s3-accelerate.amazonaws.com",
      "us-east-2/s3",
    ],
    [
      "China",
      "football",
      { region: "cn-north-1" },
      "football.s3.cn-north-1.amazonaws.com.cn",
      "cn-north-1/s3",
    ],
    [
      "an access point, in its own region",
      ACCESS_POINT,
      {},
      "plays-123456789012.s3-accesspoint.eu-west-1.amazonaws.com",
      "eu-west-1/s3",
    ],
    [
      "an access point by FIPS",
      "arn:aws:s3:us-west-2:123456789012:accesspoint/plays",
      { useFipsEndpoint: true },
      "plays-123456789012.s3-accesspoint-fips.us-west-2.amazonaws.com",
      "us-west-2/s3",
    ],
    [
      "Outposts",
      "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456/accesspoint/plays",
      {},
      "plays-123456789012.op-01234567890123456.s3-outposts.us-west-2.amazonaws.com",
      "us-west-2/s3-outposts",
    ],
    [
      "a custom endpoint with a path",
      "football",
      { endpoint: "https://store.example:9000/base" },
      "football.store.example:9000/base",
      "us-east-2/s3",
    ],
  ];

  it.each(cases)("find %s", async (_, bucket, config, host, scope) => {
    expect(await placeOf(bucket, config)).toBe(`https://${host}/raw/a%20b ${scope}`);
  });

  it("take an endpoint and settings from the environment", async () => {
    vi.stubEnv("AWS_USE_FIPS_ENDPOINT", "true");
    expect(await placeOf("football", {})).toContain("football.s3-fips.us-east-2");
    vi.stubEnv("AWS_USE_FIPS_ENDPOINT", undefined);
    vi.stubEnv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000");
    expect(await placeOf("football", {})).toContain("http://127.0.0.1:9000/football/raw/a%20b ");
    expect(await placeOf("football", { ignoreConfiguredEndpointUrls: true })).toContain("amazonaws.com");
  });

  it.each<readonly [what: string, bucket: string, S3ClientConfig, error: object]>([
    [
      "an access point in another region, where the client forbids that",
      ACCESS_POINT,
      { useArnRegion: false },
      { code: "invalid_argument", message: expect.stringContaining("eu-west-1") },
    ],
    [
      "a broken ARN",
      "arn:aws:s3:eu-west-1::accesspoint",
      {},
      { code: "invalid_argument", message: expect.stringContaining("arn:aws:s3:eu-west-1::accesspoint") },
    ],
    [
      "a multi-region access point",
      "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap",
      {},
      { code: "not_supported", message: expect.stringContaining("Signature V4A") },
    ],
  ])("refuse %s", async (_, bucket, config, error) => {
    await expect(placeOf(bucket, config)).rejects.toMatchObject(error);
    const client = new S3Client({ region: "us-east-2", credentials: NOBODY, ...config });
    const backend = createS3Backend({ bucket, client, retry: ONCE });
    await expect(backend.head(KEY)).rejects.toMatchObject(error);
    await backend.close();
  });
});

it("refuses a client without a region", async () => {
  vi.stubEnv("AWS_REGION", undefined);
  vi.stubEnv("AWS_CONFIG_FILE", "/none");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/none");
  const backend = createS3Backend({
    bucket: "football",
    client: new S3Client({ credentials: NOBODY }),
    retry: ONCE,
  });
  await expect(backend.head(KEY)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("Region is missing"),
  });
  await backend.close();
});

describe("a backend with an S3Client", () => {
  const clientOf = (config: S3ClientConfig = {}): S3Client =>
    new S3Client({
      ...{ region: "us-east-1", endpoint: server.endpoint, forcePathStyle: true },
      ...{ credentials: server.credentials, ...config },
    });

  it("uses the client's endpoint, region and credentials", async () => {
    const backend = createS3Backend({ bucket: "football", client: clientOf(), retry: ONCE });
    await backend.put(KEY, new Uint8Array(3));
    expect((await backend.head(KEY)).sizeBytes).toBe(3);
    await backend.close();
    const stranger = createS3Backend({
      ...{ bucket: "football", retry: ONCE },
      client: clientOf({ credentials: NOBODY }),
    });
    await expect(stranger.get(KEY)).rejects.toMatchObject({ code: "unauthenticated" });
    await stranger.close();
  });

  it("asks the client for new credentials only when the old ones expire soon", async () => {
    for (const [lastsMs, least, most] of [
      [3_600_000, 1, 1],
      [60_000, 3, 4],
    ] as const) {
      let asked = 0;
      const client = clientOf({
        credentials: async () => {
          asked++;
          return { ...server.credentials, expiration: new Date(Date.now() + lastsMs) };
        },
      });
      const backend = createS3Backend({ bucket: "football", client, retry: ONCE });
      await Promise.all([backend.head(KEY), backend.head(KEY)]);
      await backend.head(KEY);
      await backend.head(KEY);
      expect(asked).toBeGreaterThanOrEqual(least);
      expect(asked).toBeLessThanOrEqual(most);
      await backend.close();
    }
  });

  it("signs for the access point's region and names it as the source of a copy", async () => {
    const seen: IncomingMessage[] = [];
    const listening = createServer((request, response) => {
      seen.push(request);
      const headers = { etag: '"0123456789abcdef0123456789abcdef"' };
      if (request.method === "HEAD") response.writeHead(200, { ...headers, "content-length": "1" }).end();
      else response.writeHead(200).end(`<CopyObjectResult><ETag>${headers.etag}</ETag></CopyObjectResult>`);
    }).listen(0, "127.0.0.1");
    await once(listening, "listening");
    // A server that listens by TCP has an address of this form.
    const { port } = listening.address() as AddressInfo;
    const authSchemes = [
      { name: "sigv4", signingName: "s3-outposts", signingRegion: "eu-west-1", properties: {} },
    ];
    const client = clientOf({
      endpointProvider: () => ({ url: new URL(`http://127.0.0.1:${port}`), properties: { authSchemes } }),
    });
    const backend = createS3Backend({ bucket: ACCESS_POINT, client, retry: ONCE });
    await backend.copy(KEY, parseKey("copy"));
    await backend.close();
    listening.close();
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(["HEAD /raw/a%20b", "PUT /copy"]);
    for (const { headers } of seen)
      expect(headers.authorization).toContain("/eu-west-1/s3-outposts/aws4_request");
    expect(seen[1]?.headers["x-amz-copy-source"]).toBe(
      "arn%3Aaws%3As3%3Aeu-west-1%3A123456789012%3Aaccesspoint/plays/object/raw/a%20b",
    );
  });

  it.each<Partial<S3BackendOptions>>([
    { region: "us-east-2" },
    { endpoint: "http://127.0.0.1:9" },
    { forcePathStyle: true },
    { credentials: NOBODY },
    { profile: "football" },
  ])("refuses %j, which the client decides", (option) => {
    const client = new S3Client({ region: "us-east-2" });
    expect(() => createS3Backend({ bucket: "football", client, ...option })).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });

  it.each(["plays--use2-az1--x-s3", "plays--use2-az1--xa-s3"])(
    "refuses the directory bucket %s",
    (bucket) => {
      expect(() => createS3Backend({ bucket, client: new S3Client({ region: "us-east-2" }) })).toThrow(
        expect.objectContaining({ code: "not_supported", message: expect.stringContaining("S3 Express") }),
      );
    },
  );
});

it("finds an access point, and the FIPS endpoint of the environment, without a client", async () => {
  const options = { region: "us-west-2", credentials: NOBODY, retry: ONCE };
  const hostOf = async (bucket: string): Promise<string> => {
    const backend = createS3Backend({ ...options, bucket });
    const access = await abilitiesOf(backend).directAccess?.access();
    await backend.close();
    return `${access?.bucket} ${access?.endpoint}`;
  };
  expect(await hostOf(ACCESS_POINT)).toBe(
    "plays-123456789012 https://s3-accesspoint.eu-west-1.amazonaws.com",
  );
  vi.stubEnv("AWS_USE_FIPS_ENDPOINT", "true");
  expect(await hostOf("football")).toBe("football https://s3-fips.us-west-2.amazonaws.com");
  vi.unstubAllEnvs();
  expect(await hostOf("football")).toBe("football undefined");
});
