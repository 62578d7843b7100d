import { createHash } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { amzDate, signS3Request, type UnsignedRequest } from "../../../test/support/sign-request.ts";
import { type S3Server, startS3Server, TEST_CREDENTIALS } from "../start-s3-server.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const MINUTE = 60_000;
const BODY = "hello";

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server({ buckets: ["data"], now: () => NOW });
});
afterAll(() => server.close());

interface SendOptions extends Partial<UnsignedRequest> {
  /** Headers that are sent unsigned, or instead of signed ones. */
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
  const signed = await signS3Request({ credentials, region, dateMs: NOW, ...options, method, url, body });
  const response = await fetch(url, {
    method,
    headers: { ...signed, ...options.tampered },
    ...(method === "PUT" && { body: options.sent ?? String(body) }),
  });
  const text = await response.text();
  return response.ok ? "ok" : `${response.status} ${/<Code>(.*)<\/Code>/.exec(text)?.[1]}`;
}

/** A presigned URL; `change` edits it after it was signed. */
async function presign(
  query: Record<string, string> = {},
  { dateMs = NOW, change = () => {} }: { dateMs?: number; change?: (url: URL) => void } = {},
): Promise<string> {
  const unsigned = new URL(`${server.endpoint}/data/key`);
  const fields = { "X-Amz-Expires": "60", ...query };
  for (const [name, value] of Object.entries(fields)) unsigned.searchParams.set(name, value);
  const { url } = await new AwsV4Signer({
    ...{ method: "GET", url: unsigned.href, signQuery: true, ...TEST_CREDENTIALS },
    ...{ region: server.region, service: "s3", datetime: amzDate(dateMs) },
  }).sign();
  change(url);
  return url.href;
}

async function get(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  return response.ok ? text : `${response.status} ${/<Code>(.*)<\/Code>/.exec(text)?.[1]}`;
}

describe("signatures in the header", () => {
  it("accepts a valid one", async () => {
    expect(await send()).toBe("ok");
    expect(await send({ payloadHash: "UNSIGNED-PAYLOAD" })).toBe("ok");
    expect(await send({ url: `${server.endpoint}/data/a%20b/%C3%BC!'()*%2B?x-id=PutObject&a=%20+b` })).toBe(
      "ok",
    );
  });

  it("rejects a missing signature, an unknown key and a wrong secret", async () => {
    expect(await get(`${server.endpoint}/data/key`)).toBe("403 AccessDenied");
    const { accessKeyId, secretAccessKey } = TEST_CREDENTIALS;
    const stranger = { accessKeyId: "somebody", secretAccessKey };
    expect(await send({ credentials: stranger })).toBe("403 InvalidAccessKeyId");
    const guesser = { accessKeyId, secretAccessKey: "guess" };
    expect(await send({ credentials: guesser })).toBe("403 SignatureDoesNotMatch");
    expect(await send({ credentials: guesser, method: "GET" })).toBe("403 SignatureDoesNotMatch");
  });

  it("rejects a request that was changed after it was signed", async () => {
    const headers = { "x-amz-meta-a": "1" };
    expect(await send({ headers, tampered: { "x-amz-meta-a": "2" } })).toBe("403 SignatureDoesNotMatch");
    expect(await send({ tampered: { "x-amz-meta-b": "1" } })).toBe("403 AccessDenied");
    expect(await send({ sent: "jello" })).toBe("400 XAmzContentSHA256Mismatch");
    const other = createHash("sha256").update("jello").digest("hex");
    expect(await send({ sent: "jello", tampered: { "x-amz-content-sha256": other } })).toBe(
      "403 SignatureDoesNotMatch",
    );
  });

  it("rejects a signature that is too old, too new or for another region", async () => {
    expect(await send({ dateMs: NOW - 14 * MINUTE })).toBe("ok");
    expect(await send({ dateMs: NOW - 16 * MINUTE })).toBe("403 RequestTimeTooSkewed");
    expect(await send({ dateMs: NOW + 16 * MINUTE })).toBe("403 RequestTimeTooSkewed");
    expect(await send({ region: "eu-west-1" })).toBe("400 AuthorizationHeaderMalformed");
  });

  it("rejects a malformed signature", async () => {
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
  it("accepts a valid one and applies its response headers", async () => {
    await send();
    expect(await get(await presign())).toBe(BODY);
    const response = await fetch(await presign({ "response-content-type": "text/x" }));
    expect(response.headers.get("content-type")).toBe("text/x");
  });

  it("rejects a changed, expired or incomplete one", async () => {
    const set = (name: string, value: string) =>
      presign({}, { change: (url) => url.searchParams.set(name, value) });
    expect(await get(await set("X-Amz-Expires", "3600"))).toBe("403 SignatureDoesNotMatch");
    expect(await get(await set("response-content-type", "text/x"))).toBe("403 SignatureDoesNotMatch");
    expect(await get(await presign({}, { dateMs: NOW - 4 * MINUTE }))).toBe("403 AccessDenied");
    expect(await get(await presign({}, { dateMs: NOW + 26 * MINUTE }))).toBe("403 AccessDenied");
    const removed = await presign({}, { change: (url) => url.searchParams.delete("X-Amz-Signature") });
    expect(await get(removed)).toBe("400 AuthorizationQueryParametersError");
    const tooLong = await presign({ "X-Amz-Expires": "999999" });
    expect(await get(tooLong)).toBe("400 AuthorizationQueryParametersError");
  });
});
