import { createHash } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { signS3Request } from "../../../test/support/sign-request.ts";
import { type S3Server, startS3Server } from "../start-s3-server.ts";
import { type S3FaultRule, S3FaultScript } from "./s3-fault.ts";

const BODY = "0123456789".repeat(1000);

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server({ buckets: ["data"] });
});
afterAll(() => server.close());
beforeEach(() => ask("PUT", "stored", BODY));
afterEach(() => server.setFaults([]));

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** The error that ended the exchange. */
  readonly broke?: string;
}

/** One request on a separate connection; resolves whatever its outcome. */
async function ask(
  method: string,
  path: string,
  body?: string,
  until = Number.POSITIVE_INFINITY,
): Promise<Answer> {
  const url = `${server.endpoint}/data/${path}`;
  const { credentials, region } = server;
  const payloadHash = "UNSIGNED-PAYLOAD";
  const signed = await signS3Request({ method, url, payloadHash, credentials, region });
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  const request = httpRequest(url, { method, headers: { ...signed, ...length }, agent: false });
  request.end(body);
  let response: IncomingMessage;
  try {
    [response] = await once(request, "response");
  } catch (error) {
    return { status: 0, headers: {}, body: "", broke: error instanceof Error ? error.message : "" };
  }
  let text = "";
  const { statusCode: status = 0, headers } = response;
  try {
    for await (const chunk of response) {
      text += chunk;
      if (text.length >= until) break;
    }
    return { status, headers, body: text };
  } catch (error) {
    return { status, headers, body: text, broke: error instanceof Error ? error.message : "" };
  }
}

describe("faults", () => {
  it.each([
    [500, "InternalError"],
    [503, "SlowDown"],
    [429, "TooManyRequests"],
    [409, "ConditionalRequestConflict"],
    [403, "AccessDenied"],
  ] as const)("answers %i in place of the operation, for the nth request", async (status, code) => {
    server.setFaults([
      { operation: "PutObject", nth: [1, 3], fault: { kind: "status", status, retryAfterSeconds: 7 } },
    ]);
    const first = await ask("PUT", `status-${status}`, "x");
    expect(first).toMatchObject({ status, headers: { "retry-after": "7" } });
    expect(first.body).toContain(`<Code>${code}</Code>`);
    expect((await ask("GET", `status-${status}`)).status).toBe(404);
    expect((await ask("PUT", `status-${status}`, "x")).status).toBe(200);
    expect((await ask("PUT", `status-${status}`, "x")).status).toBe(status);
  });

  it("rejects an invalid rule with invalid_argument and keeps the current faults", async () => {
    server.setFaults([{ operation: "HeadObject", fault: { kind: "status", status: 500 } }]);
    const latency = { kind: "latency", ms: 1 };
    const invalid: readonly (readonly [rule: unknown, message: RegExp])[] = [
      ...[200, 404, 418, "slow"].map(
        (status) => [{ fault: { kind: "status", status } }, /status must be 403 or 409 or 429/] as const,
      ),
      [{ fault: { kind: "status" } }, /kind status needs status/],
      [{ fault: { kind: "status", status: undefined } }, /kind status needs status/],
      [{ fault: { kind: "reset-all" } }, /kinds status, reset, .*, got "reset-all"/],
      [{ fault: { kind: "toString" } }, /got "toString"/],
      [{ fault: { kind: "reset", when: "after" } }, /when must be "before" or/],
      [{ fault: { kind: "truncate", afterByte: 1 } }, /Did you mean afterBytes\?/],
      [{ fault: { kind: "bandwidth", bytesPerSecond: 0 } }, /bytesPerSecond must be a number above 0/],
      [{ fault: { kind: "short-pages", maxKeys: 0 } }, /maxKeys must be a whole number, 1 or more/],
      [{ fault: "reset" }, /fault must be a plain object/],
      [{}, /kinds status/],
      [{ fault: latency, operations: "PutObject" }, /Did you mean operation\?/],
      [{ fault: latency, operation: "PutObjects" }, /operation must be .*"PutObject"/],
      [{ fault: latency, operation: ["PutObject", "Put"] }, /operation must be/],
      [{ fault: latency, key: 1 }, /key must be a string or a RegExp/],
      [{ fault: latency, nth: 0 }, /nth must be a whole number, 1 or more/],
      [{ fault: latency, probability: "half" }, /probability must be a finite number/],
      [{ fault: latency, seed: Number.NaN }, /seed must be a finite number/],
    ];
    for (const [rule, message] of invalid) {
      // As a caller without types passes it.
      const rules = [rule] as S3FaultRule[];
      expect(() => server.setFaults(rules), String(message)).toThrow(message);
      await expect(startS3Server({ faults: rules })).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringMatching(message),
      });
    }
    expect((await ask("HEAD", "any")).status).toBe(500);
  });

  it("resets before and during a put and stores nothing", async () => {
    for (const when of ["before", "during"] as const) {
      server.setFaults([{ key: /^reset/, operation: "PutObject", fault: { kind: "reset", when } }]);
      expect((await ask("PUT", "reset", BODY)).broke).toMatch(/ECONNRESET|socket hang up|EPIPE/);
      expect((await ask("GET", "reset")).status).toBe(404);
    }
  });

  it.each([{ kind: "reset", when: "after-commit" }, { kind: "drop-reply" }] as const)(
    "commits without a reply: %j",
    async (fault) => {
      const path = `lost-${fault.kind}`;
      server.setFaults([{ operation: "PutObject", fault }]);
      expect((await ask("PUT", path, "x")).broke).toMatch(/ECONNRESET|socket hang up/);
      expect(await ask("GET", path)).toMatchObject({ status: 200, body: "x" });
    },
  );

  it("cuts a body short by a reset, a close and a stall", async () => {
    server.setFaults([{ fault: { kind: "reset", when: "during" } }]);
    const reset = await ask("GET", "stored");
    expect(reset.broke).toBe("aborted");
    expect(reset.body.length).toBeLessThanOrEqual(5000);
    server.setFaults([{ fault: { kind: "truncate", afterBytes: 7 } }]);
    expect(await ask("GET", "stored")).toMatchObject({ status: 200, body: "0123456", broke: "aborted" });
    server.setFaults([{ fault: { kind: "stall", afterBytes: 12 } }]);
    const stalled = await ask("GET", "stored", undefined, 12);
    expect(stalled.body).toBe(BODY.slice(0, 12));
    expect(stalled.headers["content-length"]).toBe("10000");
  });

  it("changes one byte of a reply and of a request", async () => {
    server.setFaults([{ fault: { kind: "flip-byte", offset: 3 } }]);
    expect((await ask("GET", "stored")).body).toBe(`0122${BODY.slice(4)}`);
    expect((await ask("PUT", "flipped", "abcdef")).status).toBe(200);
    server.setFaults([]);
    expect((await ask("GET", "flipped")).body).toBe("abceef");
    expect((await ask("GET", "stored")).body).toBe(BODY);
  });

  it("shortens pages without losing keys", async () => {
    for (const key of ["page/1", "page/2", "page/3"]) await ask("PUT", key, "x");
    server.setFaults([{ fault: { kind: "short-pages", maxKeys: 2 } }]);
    const page = await ask("GET", "?list-type=2&prefix=page/");
    expect(page.body.match(/<Key>/g)).toHaveLength(2);
    const token = /<NextContinuationToken>(.*)<\/NextContinuationToken>/.exec(page.body)?.[1];
    const next = await ask("GET", `?list-type=2&prefix=page/&continuation-token=${token}`);
    expect(next.body).toContain("<Key>page/3</Key>");
    expect(next.body).toContain("<IsTruncated>false</IsTruncated>");
  });

  it("skews the clock", async () => {
    server.setFaults([{ fault: { kind: "clock-skew", ms: 3_600_000 } }]);
    const answer = await ask("GET", "stored");
    expect(answer.status).toBe(403);
    expect(answer.body).toContain("RequestTimeTooSkewed");
    expect(Date.parse(answer.headers.date ?? "") - Date.now()).toBeGreaterThan(3_000_000);
  });

  it("delays and paces bodies without changing them", async () => {
    server.setFaults([
      { fault: { kind: "latency", ms: 5 } },
      { fault: { kind: "bandwidth", bytesPerSecond: 500_000 } },
    ]);
    expect((await ask("PUT", "slow", BODY)).status).toBe(200);
    expect((await ask("GET", "slow")).body).toBe(BODY);
  });

  it("fails only the keys of a batch that match", async () => {
    for (const key of ["batch/a", "batch/b"]) await ask("PUT", key, "x");
    server.setFaults([
      { key: "batch/b", operation: "DeleteObjects", fault: { kind: "status", status: 503 } },
    ]);
    const xml = "<Delete><Object><Key>batch/a</Key></Object><Object><Key>batch/b</Key></Object></Delete>";
    const url = `${server.endpoint}/data?delete`;
    const { credentials, region } = server;
    const md5 = createHash("md5").update(xml).digest("base64");
    const headers = await signS3Request({
      method: "POST",
      url,
      body: xml,
      headers: { "content-md5": md5 },
      credentials,
      region,
    });
    const text = await (await fetch(url, { method: "POST", headers, body: xml })).text();
    expect(text).toContain("<Deleted><Key>batch/a</Key></Deleted>");
    expect(text).toContain("<Error><Key>batch/b</Key><Code>SlowDown</Code>");
    expect((await ask("HEAD", "batch/a")).status).toBe(404);
    expect((await ask("HEAD", "batch/b")).status).toBe(200);
  });
});

describe("S3FaultScript", () => {
  const fault = { kind: "status", status: 503 } as const;
  const keys = Array.from({ length: 2000 }, (_, i) => `raw/plays/week=${i}`);

  it("draws with the given probability, and the same for one seed in any order", () => {
    const hits = (seed: number, order: readonly string[]): string[] => {
      const script = new S3FaultScript([{ probability: 0.2, seed, fault }]);
      return order.filter((key) => script.next("PutObject", key).length > 0).sort();
    };
    const first = hits(1, keys);
    expect(first.length).toBeGreaterThan(300);
    expect(first.length).toBeLessThan(500);
    expect(hits(1, [...keys].reverse())).toEqual(first);
    expect(hits(2, keys)).not.toEqual(first);
  });

  it("draws again for a repeated request", () => {
    const script = new S3FaultScript([{ probability: 0.5, fault }]);
    const draws = Array.from({ length: 200 }, () => script.next("GetObject", "k").length);
    const hits = draws.filter((draw) => draw > 0).length;
    expect(hits).toBeGreaterThan(60);
    expect(hits).toBeLessThan(140);
  });

  it("applies all matching rules and counts only matching requests", () => {
    const latency = { kind: "latency", ms: 1 } as const;
    const script = new S3FaultScript([
      { operation: ["GetObject", "HeadObject"], key: /^a/g, nth: 2, fault },
      { fault: latency },
    ]);
    expect(script.next("GetObject", "a")).toEqual([latency]);
    expect(script.next("PutObject", "a")).toEqual([latency]);
    expect(script.next("GetObject", "b")).toEqual([latency]);
    expect(script.next("HeadObject", "a")).toEqual([fault, latency]);
    expect(script.next("HeadObject", "a")).toEqual([latency]);
  });
});
