import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { partition } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, serve, until, type World } from "./support.ts";

let world: World;
beforeAll(async () => {
  world = await serve(async (storage) => {
    await storage.write("raw/t", [{ a: 1 }], partition({ k: 1 }));
  });
});
afterAll(() => world[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** One request with exactly these headers: `fetch` would not send a foreign Host. */
function ask(path: string, { method = "GET", headers = {}, body }: Asked = {}): Promise<Answer> {
  const { port } = new URL(world.origin);
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece) => {
        text += piece;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const JSON_TYPE = { "content-type": "application/json" };
const PATHS = [
  "/",
  "/api/tables",
  "/api/table?name=raw/t",
  "/api/describe?name=t",
  "/api/files?folder=raw/t",
];

describe("the server of the page", () => {
  it.each([
    "evil.example",
    "evil.example:80",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1]",
    "0.0.0.0",
    "localhost.evil.example",
  ])("refuses the Host %s even with the cookie, so that a rebound name does not reach it", async (host) => {
    for (const path of PATHS)
      expect((await ask(path, { headers: { host, cookie: world.cookie } })).status, path).toBe(421);
  });

  it.each(["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])(
    "refuses the Origin %s even with the cookie",
    async (origin) => {
      const headers = { origin, cookie: world.cookie, ...JSON_TYPE };
      const posted = await ask("/api/queries", { method: "POST", headers, body: '{"sql":"SELECT 1"}' });
      expect(posted.status).toBe(403);
      expect((await ask("/api/tables", { headers })).status).toBe(403);
    },
  );

  it.each(["cross-site", "same-site", "none"])("refuses API requests that are %s", async (site) => {
    const headers = { "sec-fetch-site": site, cookie: world.cookie };
    expect((await ask("/api/tables", { headers })).status).toBe(403);
  });

  it("refuses everything without the token, with a wrong one, and with one of another server", async () => {
    await using other = await serve();
    const token = new URL(other.ui.url).searchParams.get("token");
    const own = world.cookie.split("=")[0];
    const cookies = ["", "x=y", other.cookie, `${own}=`, `${own}=x`, `${own}=${token}`];
    for (const path of [...PATHS, `/?token=${token}`, "/?token=", "/?token=x", "/assets/x.js"])
      for (const cookie of cookies) {
        const answer = await ask(path, { headers: { cookie } });
        expect(answer.status, `${path} ${cookie}`).toBe(401);
        expect(answer.body).not.toContain("raw/t");
      }
  });

  it("keeps its cookie next to the one of another server, and replaces it when it is started again", async () => {
    const port = Number(new URL(world.origin).port);
    const other = await serve();
    const names = [world.cookie, other.cookie].map((cookie) => cookie.split("=")[0]);
    expect(names).toEqual([`parquetry-${port}`, `parquetry-${new URL(other.origin).port}`]);
    // A browser sends both cookies to both servers.
    const cookie = `${world.cookie}; ${other.cookie}`;
    expect((await ask("/api/tables", { headers: { cookie } })).status).toBe(200);
    expect((await fetch(`${other.origin}/api/tables`, { headers: { cookie } })).status).toBe(200);
    await other[Symbol.asyncDispose]();
    await using again = await serve(undefined, { port: Number(new URL(other.origin).port) });
    expect(again.cookie.split("=")[0]).toBe(names[1]);
    expect((await fetch(`${again.origin}/api/tables`, { headers: { cookie } })).status).toBe(401);
  });

  it("accepts the token in the page's address only, and makes it a cookie that scripts and other sites cannot use", async () => {
    const token = new URL(world.ui.url).searchParams.get("token");
    expect((await ask(`/api/tables?token=${token}`)).status).toBe(401);
    const answer = await ask(`/?token=${token}`);
    expect(answer.status).toBe(200);
    expect(String(answer.headers["set-cookie"])).toContain("HttpOnly; SameSite=Strict");
  });

  it("sends a policy that allows nothing from elsewhere and no inline script", async () => {
    const { headers } = await ask("/", { headers: { cookie: world.cookie } });
    const policy = headers["content-security-policy"];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });

  it.each([
    "/assets/../../package.json",
    "/assets/..%2f..%2fpackage.json",
    "/assets/%2e%2e/%2e%2e/package.json",
    "/assets/....//package.json",
    "/assets/%00",
    "/assets//etc/passwd",
    "/assets/__proto__",
    "/..%5c..%5cpackage.json",
    "/api/../package.json",
  ])("has nothing at %s", async (path) => {
    const answer = await ask(path, { headers: { cookie: world.cookie } });
    expect(answer.status).toBe(404);
    expect(answer.body).not.toContain('"name"');
  });

  it.each(["../..", "/etc", "raw/../..", "raw/t/..", "raw//t", "\0"])(
    "lists no files of the folder %j",
    async (folder) => {
      const path = `/api/files?${new URLSearchParams({ folder })}`;
      const answer = await ask(path, { headers: { cookie: world.cookie } });
      expect(answer.status).toBe(400);
    },
  );

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/jsonp",
    "",
  ])("refuses a body of the type %j", async (type) => {
    const headers = { cookie: world.cookie, "content-type": type };
    const answer = await ask("/api/queries", { method: "POST", headers, body: '{"sql":"SELECT 1"}' });
    expect(answer.status).toBe(415);
  });

  it("refuses bodies that are too long, of unknown length, or without SQL", async () => {
    const post = (body: string, more: Record<string, string> = {}): Promise<Answer> =>
      ask("/api/queries", { method: "POST", headers: { cookie: world.cookie, ...JSON_TYPE, ...more }, body });
    expect((await post(JSON.stringify({ sql: "x".repeat(1_100_000) }))).status).toBe(413);
    expect((await post('{"sql":"SELECT 1"}', { "transfer-encoding": "chunked" })).status).toBe(413);
    for (const body of ["{", "[]", "null", '{"sql":1}', '"sql"', '{"x":{"sql":"SELECT 1"}}'])
      expect((await post(body)).status, body).toBe(400);
  });

  it.each([
    "SELECT * FROM read_csv('/etc/passwd')",
    "COPY (SELECT 1) TO '/tmp/x.csv'",
    "SELECT getenv('HOME')",
    "CREATE TABLE x AS SELECT 1",
    "SELECT 1; SELECT 2",
    "ATTACH '/tmp/x.db'",
  ])("does not run %s", async (sql) => {
    const result = await run(world, sql);
    expect(result.state).toBe("failed");
    expect(result.error).not.toBe("");
  });

  it("survives 1,000 concurrent requests", async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 1000 }, () => ask("/api/tables", { headers: { cookie: world.cookie } })),
    );
    const good = answers.filter((answer) => answer.status === "fulfilled" && answer.value.status === 200);
    expect(good.length).toBeGreaterThan(100);
    await until<{ tables: unknown[] }>(world, "/api/tables", ({ tables }) => tables.length === 1);
  });

  it("ends connections that send nothing or half a header, and answers others in the meantime", async () => {
    const port = Number(new URL(world.origin).port);
    let open = 0;
    const ended = ["", "GET / HTTP/1.1\r\nHost: x\r\nX: ", "POST /api/queries HTTP/1.1\r\n"].map(
      (text) =>
        new Promise<void>((resolve) => {
          const socket = connect(port, "127.0.0.1", () => {
            open++;
            socket.write(text);
          });
          socket.on("close", () => {
            open--;
            resolve();
          });
          socket.on("error", () => {});
          socket.resume();
        }),
    );
    await expect.poll(() => open).toBe(3);
    expect((await ask("/api/tables", { headers: { cookie: world.cookie } })).status).toBe(200);
    expect(open).toBe(3);
    await Promise.all(ended);
  });

  it("names what it does not have, and refuses ranges that are not one", async () => {
    const headers = { cookie: world.cookie };
    const answer = await ask("/api/queries/x/rows?start=0&end=1", { headers });
    expect(answer.status).toBe(404);
    expect(answer.body).toContain('There is no result \\"x\\"');
    for (const range of ["start=-1&end=2", "start=0&end=99999", "start=a&end=b", "start=2&end=1", ""])
      expect((await ask(`/api/queries/x/rows?${range}`, { headers })).status, range).toBe(400);
  });
});
