import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isStorageError } from "@parquetry/core";
import { DEFAULT_RETRY_POLICY } from "@parquetry/core/backend";
import { describe, expect, it } from "vitest";
import { TrinoClient, type TrinoOptions } from "../src/index.ts";
import {
  type Answer,
  json,
  page,
  QUEUED,
  type ScriptedTrino,
  scriptedTrino,
  status,
} from "./support/scripted-trino.ts";

const FAST = { ...DEFAULT_RETRY_POLICY, maxAttempts: 4, baseDelayMs: 1, maxDelayMs: 2 };

function clientOf({ url }: { readonly url: string }, options: Partial<TrinoOptions> = {}): TrinoClient {
  return new TrinoClient({ url, catalog: "hive", schema: "lake", retry: FAST, ...options });
}

const paths = ({ received }: ScriptedTrino): string[] =>
  received.map(({ method, path }) => `${method} ${path}`);

/** An answer that ends in the middle. */
const cut: Answer = (response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"id":"q1"');
  setTimeout(() => response.destroy(), 5);
};
const dropped: Answer = (response) => response.destroy();

describe("a statement", () => {
  it("follows nextUri to the end and returns the rows of all pages", async () => {
    await using server = await scriptedTrino([QUEUED, page([1, 2], "/v1/statement/q1/2"), page([3])]);
    expect(await clientOf(server).rows("SELECT n FROM t")).toEqual([[1], [2], [3]]);
    expect(paths(server)).toEqual(["POST /v1/statement", "GET /v1/statement/q1/1", "GET /v1/statement/q1/2"]);
    expect(server.received[0]?.body).toBe("SELECT n FROM t");
  });

  it("sends who asks, for what, and the capability that keeps microseconds", async () => {
    await using server = await scriptedTrino([page([1])]);
    await clientOf(server, {
      user: "ana",
      auth: { password: "sécret" },
      session: { query_max_run_time: "10 m" },
    }).rows("SELECT 1");
    expect(server.received[0]?.headers).toMatchObject({
      "x-trino-user": "ana",
      "x-trino-catalog": "hive",
      "x-trino-schema": "lake",
      "x-trino-time-zone": "UTC",
      "x-trino-client-capabilities": "PARAMETRIC_DATETIME",
      "x-trino-session":
        "hive.timestamp_precision=MICROSECONDS,hive.parquet_ignore_statistics=true,query_max_run_time=10%20m",
      authorization: `Basic ${Buffer.from("ana:sécret").toString("base64")}`,
    });
  });

  it("sends a token and no user, so that the token names the user", async () => {
    await using server = await scriptedTrino([page([1])]);
    await clientOf(server, { auth: { token: "abc" } }).rows("SELECT 1");
    expect(server.received[0]?.headers.authorization).toBe("Bearer abc");
    expect(server.received[0]?.headers).not.toHaveProperty("x-trino-user");
  });

  it("passes parameters as literals of EXECUTE IMMEDIATE", async () => {
    await using server = await scriptedTrino([page([1])]);
    await clientOf(server).rows("SELECT 'a''b', ?, ?, ?", { parameters: ["O'Hara", 2 ** 40, null] });
    expect(server.received[0]?.body).toBe(
      "EXECUTE IMMEDIATE 'SELECT ''a''''b'', ?, ?, ?' USING 'O''Hara', BIGINT '1099511627776', NULL",
    );
  });

  it.each<[string, unknown]>([
    ["named parameters", { year: 2024 }],
    ["an object", [{ a: 1 }]],
    ["an invalid Date", [new Date(Number.NaN)]],
    ["half a surrogate pair", ["\ud800"]],
    ["an integer of 39 digits", [10n ** 38n]],
  ])("refuses %s and sends nothing", async (_, parameters) => {
    await using server = await scriptedTrino([page([1])]);
    const running = clientOf(server).rows("SELECT ?", { parameters: parameters as never });
    await expect(running).rejects.toMatchObject({ code: "invalid_argument" });
    expect(server.received).toEqual([]);
  });
});

describe("a failure that passes", () => {
  it.each<[string, Answer]>([
    ["HTTP 429", status(429, { "retry-after": "0" })],
    ["HTTP 502", status(502)],
    ["HTTP 503", status(503)],
    ["HTTP 504", status(504)],
    ["a dropped connection", dropped],
    ["an answer that breaks off", cut],
  ])("is retried, on the first request and on later ones: %s", async (_, failure) => {
    await using server = await scriptedTrino([failure, failure, QUEUED, failure, page([7])]);
    expect(await clientOf(server).rows("SELECT 1")).toEqual([[7]]);
    expect(server.received).toHaveLength(5);
  });

  it.each([
    [429, "rate_limited"],
    [503, "unavailable"],
  ])("that does not pass is reported after all attempts: HTTP %i as %s", async (code, expected) => {
    await using server = await scriptedTrino([status(code)]);
    const failed = clientOf(server).rows("SELECT 1");
    await expect(failed).rejects.toMatchObject({
      code: expected,
      storeCode: `HTTP ${code}`,
      attempts: 4,
      retry: "safe",
    });
    expect(server.received).toHaveLength(4);
  });

  it("ends the query where it cannot go on", async () => {
    await using server = await scriptedTrino([QUEUED, status(503)]);
    await expect(clientOf(server).rows("SELECT 1")).rejects.toMatchObject({ code: "unavailable" });
    expect(paths(server).at(-1)).toBe("DELETE /v1/statement/q1/1");
  });

  it("of a slow coordinator is a timeout", async () => {
    await using server = await scriptedTrino([() => {}]);
    const failed = clientOf(server, { requestTimeoutMs: 50 }).rows("SELECT 1");
    await expect(failed).rejects.toMatchObject({ code: "timeout", attempts: 4 });
  });

  it("of a cluster that is not there is unavailable, with the system's code", async () => {
    const unused = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => unused.once("listening", resolve));
    const { port } = unused.address() as AddressInfo;
    await new Promise((resolve) => unused.close(resolve));
    await expect(clientOf({ url: `http://127.0.0.1:${port}` }).rows("SELECT 1")).rejects.toMatchObject({
      code: "unavailable",
      storeCode: "ECONNREFUSED",
    });
  });
});

describe("a failure that stays", () => {
  it.each<[string, Answer, object]>([
    ["HTTP 401", status(401), { code: "unauthenticated", storeCode: "HTTP 401" }],
    ["HTTP 403", status(403), { code: "permission_denied" }],
    ["HTTP 404", status(404), { code: "invalid_argument" }],
    ["HTTP 500", status(500), { code: "unavailable" }],
    ["a redirect", status(302, { location: "http://127.0.0.1:1/" }), { code: "invalid_argument" }],
    [
      "a web page",
      (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
      { code: "unavailable" },
    ],
    ["malformed JSON", json('{"id": "q1", "data": [[1}'), { code: "unavailable" }],
    ["JSON of something else", json('{"hello": 1}'), { code: "unavailable" }],
    ["JSON that is null", json("null"), { code: "unavailable" }],
    ["columns without types", json('{"id":"q1","columns":[{"name":"a"}]}'), { code: "unavailable" }],
    ["rows that are not arrays", json('{"id":"q1","columns":[],"data":[1]}'), { code: "unavailable" }],
    ["an oversized answer", json(`{"id":"${"x".repeat(2000)}"}`), { code: "unavailable" }],
    ["another host", json('{"id":"q1","nextUri":"http://127.0.0.1:1/v1"}'), { code: "unavailable" }],
  ])("is reported at once: %s", async (_, answer, expected) => {
    await using server = await scriptedTrino([answer]);
    await expect(clientOf(server, { maxResponseBytes: 1000 }).rows("SELECT 1")).rejects.toMatchObject({
      ...expected,
      retry: "never",
    });
    expect(server.received).toHaveLength(1);
  });

  it("of a query that a restarted cluster forgot asks to run it again", async () => {
    await using server = await scriptedTrino([QUEUED, status(404)]);
    const failed = clientOf(server).rows("SELECT 1");
    await expect(failed).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("restarted"),
    });
  });

  it.each([
    ["SYNTAX_ERROR", "USER_ERROR", "invalid_argument"],
    ["TABLE_NOT_FOUND", "USER_ERROR", "not_found"],
    ["PERMISSION_DENIED", "USER_ERROR", "permission_denied"],
    ["QUERY_QUEUE_FULL", "INSUFFICIENT_RESOURCES", "rate_limited"],
    ["EXCEEDED_LOCAL_MEMORY_LIMIT", "INSUFFICIENT_RESOURCES", "unavailable"],
    ["SERVER_STARTING_UP", "INTERNAL_ERROR", "unavailable"],
    ["HIVE_BAD_DATA", "EXTERNAL", "corrupt"],
    ["SOMETHING_NEW", "USER_ERROR", "invalid_argument"],
  ])("of the query is named by Trino: %s (%s) is %s", async (errorName, errorType, code) => {
    const error = { message: "it failed", errorCode: 1, errorName, errorType };
    await using server = await scriptedTrino([QUEUED, { id: "q1", error, stats: {} }]);
    const failed = await clientOf(server)
      .rows("SELECT 1")
      .catch((thrown) => thrown);
    expect(isStorageError(failed) && failed.toJSON()).toMatchObject({
      code,
      storeCode: errorName,
      backend: "trino",
    });
    expect(failed.message).toContain("it failed");
  });

  it("shows no credentials", async () => {
    for (const answer of [status(401), status(500), dropped, json("{")]) {
      await using server = await scriptedTrino([answer]);
      const auth = { password: "hunter2" };
      const failed = await clientOf(server, { user: "ana", auth })
        .rows("SELECT 1")
        .catch((thrown) => thrown);
      const shown = `${failed.stack} ${JSON.stringify(failed)} ${String(failed.cause)}`;
      expect(shown).not.toContain("hunter2");
      expect(shown).not.toContain(Buffer.from("ana:hunter2").toString("base64"));
    }
  });
});

describe("a query that nobody waits for", () => {
  it("is cancelled on the cluster when the signal fires", async () => {
    await using server = await scriptedTrino([QUEUED, () => {}]);
    const controller = new AbortController();
    const running = clientOf(server).rows("SELECT 1", { signal: controller.signal });
    await expect.poll(() => server.received.length).toBe(2);
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: "aborted" });
    await expect.poll(() => paths(server).at(-1)).toBe("DELETE /v1/statement/q1/1");
  });

  it("is cancelled when the loop over its rows is left", async () => {
    await using server = await scriptedTrino([
      page([1], "/v1/statement/q1/2"),
      page([2], "/v1/statement/q1/3"),
    ]);
    const result = await clientOf(server).open("SELECT 1");
    for await (const batch of result.batches()) {
      expect(batch.values).toEqual([[1]]);
      break;
    }
    expect(paths(server).at(-1)).toBe("DELETE /v1/statement/q1/2");
  });

  it("is not sent when the signal has fired already", async () => {
    await using server = await scriptedTrino([page([1])]);
    const signal = AbortSignal.abort();
    await expect(clientOf(server).rows("SELECT 1", { signal })).rejects.toMatchObject({ code: "aborted" });
    expect(server.received).toEqual([]);
  });
});

describe("the spooling protocol", () => {
  const base64 = (rows: unknown): string => Buffer.from(JSON.stringify(rows)).toString("base64");
  const spooledPage = (segments: readonly object[], encoding = "json"): object => ({
    ...page([]),
    data: { encoding, segments },
  });

  it("reads inline and stored segments, and acknowledges the stored", async () => {
    await using server = await scriptedTrino([
      spooledPage([
        { type: "inline", data: base64([[1], [2]]), metadata: {} },
        {
          type: "spooled",
          uri: "{url}/segments/1?sig=s3cret",
          ackUri: "{url}/ack/1",
          headers: { "x-key": ["k"] },
        },
      ]),
      json("[[9007199254740993]]"),
      json(""),
    ]);
    expect(await clientOf(server).rows("SELECT 1")).toEqual([[1], [2], [9007199254740993n]]);
    await expect
      .poll(() => paths(server))
      .toEqual(["POST /v1/statement", "GET /segments/1?sig=s3cret", "GET /ack/1"]);
    expect(server.received[1]?.headers["x-key"]).toBe("k");
  });

  it("sends no credentials to another host, and shows no signed URL", async () => {
    await using store = await scriptedTrino([json("[[5]]"), status(403)]);
    const segment = { type: "spooled", uri: `${store.url}/segments/1?sig=s3cret` };
    await using server = await scriptedTrino([spooledPage([segment])]);
    const client = clientOf(server, { user: "ana", auth: { password: "hunter2" } });
    expect(await client.rows("SELECT 1")).toEqual([[5]]);
    expect(store.received[0]?.headers).not.toHaveProperty("authorization");
    const failed = await client.rows("SELECT 1").catch((thrown) => thrown);
    expect(isStorageError(failed)).toBe(true);
    expect(`${failed.stack} ${JSON.stringify(failed)}`).not.toContain("s3cret");
  });

  it("refuses an encoding that was not asked for", async () => {
    await using server = await scriptedTrino([spooledPage([], "json+zstd"), page([])]);
    // An empty list of segments has nothing to decode.
    expect(await clientOf(server).rows("SELECT 1")).toEqual([]);
    await using other = await scriptedTrino([spooledPage([{ type: "inline", data: "" }], "json+zstd")]);
    await expect(clientOf(other).rows("SELECT 1")).rejects.toMatchObject({ code: "not_supported" });
  });
});

describe("the options of a connection", () => {
  const base = { url: "https://trino.example.com", catalog: "hive", schema: "lake" };

  it.each<[string, object, string]>([
    ["no URL", { url: "trino" }, "url must be"],
    ["another protocol", { url: "ftp://trino" }, "url must be"],
    ["a password in the URL", { url: "https://ana:hunter2@trino" }, "user and auth"],
    [
      "credentials over plain http",
      { url: "http://trino.example.com", auth: { password: "hunter2" } },
      "https://trino.example.com",
    ],
    ["a token over plain http", { url: "http://10.0.0.1:8080", auth: { token: "hunter2" } }, "plain http"],
    [
      "a host that only looks like this machine",
      { url: "http://127.0.0.1.example.com", auth: { token: "hunter2" } },
      "plain http",
    ],
    ["two kinds of credentials", { auth: { token: "hunter2", password: "hunter2" } }, "auth"],
    ["an empty password", { auth: { password: "" } }, "auth"],
    ["a token with a line break", { auth: { token: "hunter2\r\nX: y" } }, "auth.token"],
    ["a user with a line break", { user: "a\r\nb" }, "user"],
    ["a user with a colon", { user: "a:b", auth: { password: "hunter2" } }, "colon"],
    ["an unknown option", { catalogue: "hive" }, "catalog"],
    ["a session property of another kind", { session: { a: {} } }, "session"],
    ["a session property with a comma", { session: { "a,b": 1 } }, "a,b"],
    ["no schema", { schema: undefined }, "schema"],
  ])("are refused by name: %s", (_, options, named) => {
    const create = (): TrinoClient => new TrinoClient({ ...base, ...options } as TrinoOptions);
    expect(create).toThrow(named);
    expect(create).not.toThrow("hunter2");
  });

  it.each(["https://trino", "http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"])(
    "allow credentials for %s",
    (url) => {
      expect(() => new TrinoClient({ ...base, url, auth: { token: "t" } })).not.toThrow();
    },
  );
});
