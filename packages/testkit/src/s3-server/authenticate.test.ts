import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signS3Request, type UnsignedRequest } from "./sign-request.ts";
import { canonicalRequestHash, scopeText, signingKey, signLines } from "./signature-v4.ts";
import { type S3Server, startS3Server, TEST_CREDENTIALS } from "./start-s3-server.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const BODY = "hello";

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server({ buckets: ["data"], now: () => NOW });
});
afterAll(() => server.close());

interface SendOptions extends Partial<UnsignedRequest> {
  /** Headers that are sent without being signed, or in place of signed ones. */
  readonly tampered?: Record<string, string>;
  readonly sent?: string;
}

async function send(options: SendOptions = {}): Promise<string> {
  const {
    method = "PUT",
    url = `${server.endpoint}/data/key`,
    body = method === "PUT" ? BODY : "",
  } = options;
  const { credentials, region } = server;
  const signed = signS3Request({ credentials, region, dateMs: NOW, ...options, method, url, body });
  const response = await fetch(url, {
    method,
    headers: { ...signed, ...options.tampered },
    ...(method === "PUT" && { body: options.sent ?? String(body) }),
  });
  const text = await response.text();
  return response.ok ? "ok" : `${response.status} ${/<Code>(.*)<\/Code>/.exec(text)?.[1]}`;
}

/** A presigned URL; what `change` does to the query happens after signing. */
function presign(query: Record<string, string> = {}, change: (url: URL) => void = () => {}): string {
  const scope = { date: "20260102", region: server.region, service: "s3" };
  const url = new URL(`${server.endpoint}/data/key`);
  const fields = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${TEST_CREDENTIALS.accessKeyId}/${scopeText(scope)}`,
    "X-Amz-Date": "20260102T030405Z",
    "X-Amz-Expires": "60",
    "X-Amz-SignedHeaders": "host",
    ...query,
  };
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  const hash = canonicalRequestHash({
    method: "GET",
    rawPath: url.pathname,
    rawQuery: url.search.slice(1),
    headers: { host: url.host },
    signedHeaders: ["host"],
    payloadHash: "UNSIGNED-PAYLOAD",
    presigned: true,
  });
  const key = signingKey(TEST_CREDENTIALS.secretAccessKey, scope);
  const lines = ["AWS4-HMAC-SHA256", fields["X-Amz-Date"], scopeText(scope), hash];
  url.searchParams.set("X-Amz-Signature", signLines(key, lines));
  change(url);
  return url.href;
}

async function get(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  return response.ok ? text : `${response.status} ${/<Code>(.*)<\/Code>/.exec(text)?.[1]}`;
}

describe("signatures in the header", () => {
  it("accepts a right one", async () => {
    expect(await send()).toBe("ok");
    expect(await send({ payloadHash: "UNSIGNED-PAYLOAD" })).toBe("ok");
    expect(await send({ url: `${server.endpoint}/data/a%20b/%C3%BC!'()*%2B?x-id=PutObject&a=%20+b` })).toBe(
      "ok",
    );
  });

  it("refuses who did not sign, is unknown, or has another secret", async () => {
    expect(await get(`${server.endpoint}/data/key`)).toBe("403 AccessDenied");
    const { accessKeyId, secretAccessKey } = TEST_CREDENTIALS;
    const stranger = { accessKeyId: "somebody", secretAccessKey };
    expect(await send({ credentials: stranger })).toBe("403 InvalidAccessKeyId");
    const guesser = { accessKeyId, secretAccessKey: "guess" };
    expect(await send({ credentials: guesser })).toBe("403 SignatureDoesNotMatch");
    expect(await send({ credentials: guesser, method: "GET" })).toBe("403 SignatureDoesNotMatch");
  });

  it("refuses what was changed on the way", async () => {
    const headers = { "x-amz-meta-a": "1" };
    expect(await send({ headers, tampered: { "x-amz-meta-a": "2" } })).toBe("403 SignatureDoesNotMatch");
    expect(await send({ tampered: { "x-amz-meta-b": "1" } })).toBe("403 AccessDenied");
    expect(await send({ sent: "jello" })).toBe("400 XAmzContentSHA256Mismatch");
    const other = createHash("sha256").update("jello").digest("hex");
    expect(await send({ sent: "jello", tampered: { "x-amz-content-sha256": other } })).toBe(
      "403 SignatureDoesNotMatch",
    );
  });

  it("refuses a signature that is too old, too new, or for elsewhere", async () => {
    const minute = 60_000;
    expect(await send({ dateMs: NOW - 14 * minute })).toBe("ok");
    expect(await send({ dateMs: NOW - 16 * minute })).toBe("403 RequestTimeTooSkewed");
    expect(await send({ dateMs: NOW + 16 * minute })).toBe("403 RequestTimeTooSkewed");
    expect(await send({ region: "eu-west-1" })).toBe("400 AuthorizationHeaderMalformed");
  });

  it("refuses what is no signature", async () => {
    const malformed = [
      ["AWS key:signature", "400 InvalidRequest"],
      ["AWS4-HMAC-SHA256 nonsense", "400 AuthorizationHeaderMalformed"],
      ["AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b", "400 AuthorizationHeaderMalformed"],
    ] as const;
    for (const [authorization, expected] of malformed) {
      expect(await send({ tampered: { authorization } })).toBe(expected);
    }
  });
});

describe("presigned URLs", () => {
  it("accepts a right one, and honours its response headers", async () => {
    await send();
    expect(await get(presign())).toBe(BODY);
    const response = await fetch(presign({ "response-content-type": "text/x" }));
    expect(response.headers.get("content-type")).toBe("text/x");
  });

  it("refuses a changed, expired, or incomplete one", async () => {
    const set = (name: string, value: string) => (url: URL) => url.searchParams.set(name, value);
    expect(await get(presign({}, set("X-Amz-Expires", "3600")))).toBe("403 SignatureDoesNotMatch");
    expect(await get(presign({}, set("response-content-type", "text/x")))).toBe("403 SignatureDoesNotMatch");
    expect(await get(presign({ "X-Amz-Date": "20260102T030000Z" }))).toBe("403 AccessDenied");
    expect(await get(presign({ "X-Amz-Date": "20260102T033000Z" }))).toBe("403 AccessDenied");
    const removed = presign({}, (url) => url.searchParams.delete("X-Amz-Signature"));
    expect(await get(removed)).toBe("400 AuthorizationQueryParametersError");
    expect(await get(presign({ "X-Amz-Expires": "999999" }))).toBe("400 AuthorizationQueryParametersError");
  });
});
