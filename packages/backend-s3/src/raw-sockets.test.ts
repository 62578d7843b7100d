import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import type { StorageError } from "@parquetry/core";
import { describe, expect, it } from "vitest";
import {
  answer,
  certificate,
  ETAG,
  KEY,
  listen,
  ONCE,
  open,
  read,
  type Scheme,
  serve,
  startServer,
  TRUSTED,
} from "../test/support/scripted-server.ts";
import { DEFAULT_MAX_CONNECTIONS } from "./s3-backend.ts";

const LATER = "Mon, 30 Nov 2026 12:00:00 GMT";
const EARLIER = "Mon, 30 Nov 2026 11:00:00 GMT";
const SHA256 = "x-amz-meta-sha256";

/** Connects to a server and sends something. */
function poke(scheme: Scheme, endpoint: string): Socket {
  const port = Number(new URL(endpoint).port);
  const socket = scheme === "https" ? connectTls(port, "localhost") : connect(port, "localhost");
  socket.write("poke");
  return socket;
}

async function closed(socket: Socket | undefined): Promise<void> {
  await new Promise((resolve) => (socket?.destroyed ? resolve(undefined) : socket?.once("close", resolve)));
}

describe.each<Scheme>(["http", "https"])("a get over %s whose body may reuse its memory", (scheme) => {
  it("uses a connection again, also after bodies that fill its memory", async () => {
    const bodies = ["one", "", "x".repeat(250_000), "y".repeat(1_000_000), "two"];
    const { endpoint, requests, sockets } = await serve(
      scheme,
      ...bodies.map((body) => (socket: Socket) => socket.write(answer(body))),
    );
    const backend = open(endpoint);
    for (const body of bodies) expect((await read(backend)) === body).toBe(true);
    expect([requests.length, sockets.size]).toEqual([bodies.length, 1]);
  });

  it("accepts a head that arrives byte by byte", async () => {
    const { endpoint, requests } = await serve(scheme, async (socket) => {
      for (const byte of answer("content")) {
        socket.write(byte);
        await sleep(1);
      }
    });
    expect(await read(open(endpoint))).toBe("content");
    expect(requests.length).toBe(1);
  });

  it("opens another connection if the server announces that it closes this one", async () => {
    const { endpoint, requests, sockets } = await serve(scheme, (socket) =>
      socket.end(answer("content", "Connection: close")),
    );
    const backend = open(endpoint);
    for (let i = 0; i < 3; i++) expect(await read(backend)).toBe("content");
    expect([requests.length, sockets.size]).toEqual([3, 3]);
  });

  it.each([
    [
      "in chunks",
      `HTTP/1.1 200 OK\r\n${ETAG}\r\ntransfer-encoding: chunked\r\n\r\n7\r\ncontent\r\n0\r\n\r\n`,
    ],
    ["until the connection closes", `HTTP/1.1 200 OK\r\n${ETAG}\r\nconnection: close\r\n\r\ncontent`],
    ["after a provisional answer", `HTTP/1.1 103 Early Hints\r\n\r\n${answer("content")}`],
    ["by a server of HTTP/1.0", answer("content").replace("1.1", "1.0")],
    ["with a length in two headers", answer("content", "content-length: 7")],
  ])("leaves a body that is sent %s to the HTTP client of Node", async (_, text) => {
    const { endpoint, requests } = await serve(scheme, (socket) => {
      if (text.includes("close") || text.includes("1.0 200")) socket.end(text);
      else socket.write(text);
    });
    const backend = open(endpoint, { retry: ONCE });
    const expected = await read(backend).catch(() => "refused");
    expect(expected).toBe(text.split("content-length").length > 2 ? "refused" : "content");
    expect(requests.length).toBe(2);
  });

  it.each([
    ["in chunks", ["HTTP/1.1 200 OK", ETAG, "transfer-encoding: chunked", "", "7", "content", "0", "", ""]],
    ["after a provisional answer", ["HTTP/1.1 103 Early Hints", "", answer("content")]],
  ])("requests nothing twice any more from a store whose bodies are always sent %s", async (_, lines) => {
    let isPlain = false;
    const { endpoint, requests } = await serve(scheme, (socket) =>
      socket.write(isPlain ? answer("content") : lines.join("\r\n")),
    );
    const backend = open(endpoint);
    const countOf = async (gets: number): Promise<number> => {
      const before = requests.length;
      for (let i = 0; i < gets; i++) expect(await read(backend)).toBe("content");
      return requests.length - before;
    };
    expect(await countOf(2)).toBe(4);
    isPlain = true;
    expect(await countOf(1)).toBe(1);
    isPlain = false;
    expect(await countOf(3)).toBe(6);
    expect(await countOf(5)).toBe(5);
  });

  it("corrects a clock that is an hour off by the store's", async () => {
    const server = await startServer(scheme);
    const backend = open(server.endpoint, { credentials: server.credentials, retry: ONCE });
    await backend.put(KEY, new Uint8Array(9));
    server.setFaults([{ fault: { kind: "clock-skew", ms: 3_600_000 } }]);
    expect((await read(backend)).length).toBe(9);
  });

  it("opens no more connections than the others may, and leaves further requests to them", async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { endpoint, requests, sockets } = await serve(scheme, async (socket) => {
      await gate;
      socket.write(answer("content"));
    });
    const backend = open(endpoint, { maxConcurrent: 2_000 });
    const reads = Array.from({ length: 2 * DEFAULT_MAX_CONNECTIONS + 40 }, () => read(backend));
    await expect.poll(() => requests.length).toBe(2 * DEFAULT_MAX_CONNECTIONS);
    release();
    expect(new Set(await Promise.all(reads))).toEqual(new Set(["content"]));
    expect(sockets.size).toBe(2 * DEFAULT_MAX_CONNECTIONS);
  });

  it("continues where a connection broke off", async () => {
    const server = await startServer(scheme);
    const backend = open(server.endpoint, { credentials: server.credentials });
    const bytes = randomBytes(5_000_000);
    await backend.put(KEY, bytes);
    server.setFaults([{ operation: "GetObject", nth: 1, fault: { kind: "reset", when: "during" } }]);
    expect((await read(backend)) === bytes.toString("latin1")).toBe(true);
  });

  it("fails if the body is cut, or longer than announced", async () => {
    const cut = await serve(scheme, (socket) => socket.end(answer("content").slice(0, -2)));
    await expect(read(open(cut.endpoint, { retry: ONCE }))).rejects.toMatchObject({ code: "unavailable" });
    const long = await serve(scheme, (socket) => socket.write(`${answer("content")}HTTP`));
    await expect(read(open(long.endpoint, { retry: ONCE }))).rejects.toMatchObject({ code: "unavailable" });
  });

  it("delivers what was sent to a reader that is slower than the store", async () => {
    const server = await startServer(scheme);
    const backend = open(server.endpoint, { credentials: server.credentials });
    const bytes = randomBytes(8_000_000);
    await backend.put(KEY, bytes);
    const { body } = await backend.get(KEY, { mayReuseMemory: true });
    let at = 0;
    let isSame = true;
    for await (const chunk of body) {
      await sleep(2);
      isSame &&= bytes.subarray(at, at + chunk.byteLength).equals(chunk);
      at += chunk.byteLength;
    }
    expect([at, isSame]).toEqual([bytes.byteLength, true]);
  });

  it("ends with aborted before the answer and in the body, and stays usable", async () => {
    const silent = await serve(scheme, () => {});
    const before = new AbortController();
    const waiting = read(open(silent.endpoint), before.signal);
    await sleep(50);
    before.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });

    const half = await serve(
      scheme,
      (socket) => socket.write(answer("content").slice(0, -2)),
      (socket) => socket.write(answer("content")),
    );
    const backend = open(half.endpoint);
    const during = new AbortController();
    const { body } = await backend.get(KEY, { mayReuseMemory: true, signal: during.signal });
    const reading = (async () => {
      for await (const _ of body) during.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: "aborted" });
    expect(await read(backend)).toBe("content");
  });

  it("fails with timeout if nothing more comes", async () => {
    const { endpoint } = await serve(scheme, (socket) => socket.write(answer("content").slice(0, -2)));
    const backend = open(endpoint, { retry: ONCE, stallTimeoutMs: 200 });
    await expect(read(backend)).rejects.toMatchObject({ code: "timeout" });
  });

  it("does not send a header that would be two", async () => {
    const { endpoint, requests } = await serve(scheme, (socket) => socket.write(answer("content")));
    const get = open(endpoint, { retry: ONCE }).get(KEY, { mayReuseMemory: true, ifMatch: "a\r\nx: y" });
    await expect(get).rejects.toThrow();
    expect(requests).toEqual([]);
  });

  it("drops a connection whose body was not read to its end, and that of a closed backend", async () => {
    const { endpoint, sockets } = await serve(scheme, (socket) =>
      socket.write(answer("x".repeat(3_000_000))),
    );
    const backend = open(endpoint);
    const { body } = await backend.get(KEY, { mayReuseMemory: true });
    for await (const _ of body) break;
    await closed([...sockets][0]);
    await read(backend);
    expect(sockets.size).toBe(2);
    await backend.close();
    await closed([...sockets][1]);
  });

  it("closes the connection of an answer that nobody has read when the signal fires", async () => {
    const { endpoint, sockets } = await serve(scheme, (socket) => socket.write(answer("content")));
    const controller = new AbortController();
    await open(endpoint).get(KEY, { mayReuseMemory: true, signal: controller.signal });
    controller.abort();
    await closed([...sockets][0]);
  });

  it("opens another connection where one has just been closed", async () => {
    const { endpoint, sockets } = await serve(
      scheme,
      (socket) => socket.write(answer("first").slice(0, -1)),
      (socket) => socket.write(answer("second")),
      () => {
        const [first, second] = sockets;
        // The client reads what nobody asked for, and closes; then it reads the end of a body, and requests two more.
        second?.write("HTTP/1.1 408 Request Timeout\r\n\r\n");
        first?.write("t");
      },
      (socket) => socket.write(answer("third")),
    );
    const backend = open(endpoint, { retry: ONCE });
    const first = await backend.get(KEY, { mayReuseMemory: true });
    expect(await read(backend)).toBe("second");
    const trigger = poke(scheme, endpoint);
    expect(Buffer.from(await first.body.bytes()).toString()).toBe("first");
    expect(await Promise.all([read(backend), read(backend)])).toEqual(["third", "third"]);
    trigger.destroy();
  });

  it.each([
    ["no length", `HTTP/1.1 200 OK\r\n${ETAG}\r\n\r\ncontent`],
    ["a negative length", answer("content").replace(" 7", " -7")],
    ["a length that is not a number", answer("content").replace(" 7", " 7, 7")],
    ["a length and chunks", answer("content", "transfer-encoding: chunked")],
    ["a head of 20 kB", answer("content", ...Array.from({ length: 20 }, () => `x: ${"y".repeat(1000)}`))],
    ["a header on two lines", answer("content", "x: a\r\n b")],
    ["a header without a name", answer("content", ": a")],
    ["a header with a space in its name", answer("content", "x y: a")],
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["a status that is not a number", answer("content").replace("200", "2x0")],
    ["no content", `HTTP/1.1 204 No Content\r\n${ETAG}\r\n\r\n`],
    ["two ETags", answer("content", 'Etag: "other"')],
    ["two times of change", answer("content", `last-modified: ${LATER}`, `Last-Modified: ${EARLIER}`)],
    [
      "two recorded hashes",
      answer("content", `${SHA256}: ${"a".repeat(64)}`, `${SHA256}: ${"b".repeat(64)}`),
    ],
    ["a length in two headers that differ", answer("content", "content-length: 6")],
    ["a part of the object", answer("content", "content-range: bytes 3-9/10").replace("200", "206")],
    ["the object as a part", answer("content", "content-range: bytes 0-6/7").replace("200", "206")],
    ["a part in two headers", answer("content", "content-range: bytes 0-6/7", "content-range: bytes 0-6/8")],
  ])("returns or rejects what Node's client does: %s", async (_, text) => {
    const { endpoint } = await serve(scheme, (socket) => socket.write(text));
    const outcome = (mayReuseMemory: boolean): Promise<unknown> =>
      open(endpoint, { retry: ONCE, stallTimeoutMs: 1_000 })
        .get(KEY, { mayReuseMemory })
        .then(async ({ info, body }) => [info, Buffer.from(await body.bytes()).toString()])
        .then(
          (found) => found,
          ({ code, message }: StorageError) => [code, message],
        );
    expect(await outcome(true)).toEqual(await outcome(false));
  });
});

/** Starts a server that answers each put with these bytes once it has all of it. */
async function servePuts(
  scheme: Scheme,
  reply: (socket: Socket) => unknown,
): Promise<{ readonly endpoint: string; readonly bodies: Buffer[]; readonly sockets: Set<Socket> }> {
  const bodies: Buffer[] = [];
  const sockets = new Set<Socket>();
  const endpoint = await listen(scheme, (socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on("data", (data) => {
      received = Buffer.concat([received, data]);
      const bodyStart = received.indexOf("\r\n\r\n") + 4;
      const length = Number(/^content-length: (\d+)\r$/im.exec(received.toString("latin1"))?.[1]);
      if (bodyStart < 4 || received.byteLength < bodyStart + length) return;
      bodies.push(received.subarray(bodyStart, bodyStart + length));
      received = received.subarray(bodyStart + length);
      reply(socket);
    });
  });
  return { endpoint, bodies, sockets };
}

/** Bodies of up to this size are sent without the HTTP client of Node. */
const SMALL_BODY = 256 * 1024;

describe.each<Scheme>(["http", "https"])("a put over %s of a small body", (scheme) => {
  it("arrives whole, over a connection that is used again, also by a get", async () => {
    const { endpoint, bodies, sockets } = await servePuts(scheme, (socket) => socket.write(answer("")));
    const backend = open(endpoint);
    const sent = [0, 1, 1_000, 100_000, SMALL_BODY].map((size) => randomBytes(size));
    for (const bytes of sent) expect((await backend.put(KEY, bytes)).sizeBytes).toBe(bytes.byteLength);
    expect(bodies.map((body, i) => body.equals(sent[i] ?? Buffer.of(1)))).toEqual(sent.map(() => true));
    expect(sockets.size).toBe(1);
    const server = await startServer(scheme);
    const both = open(server.endpoint, { credentials: server.credentials });
    const content = randomBytes(200_000);
    for (let i = 0; i < 3; i++) {
      await both.put(KEY, content);
      expect((await read(both)) === content.toString("latin1")).toBe(true);
    }
  });

  it.each([
    ["in chunks", `HTTP/1.1 200 OK\r\n${ETAG}\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ["until the connection closes", `HTTP/1.1 200 OK\r\n${ETAG}\r\n\r\nok`],
    ["with nothing until the connection closes", `HTTP/1.1 200 OK\r\n${ETAG}\r\n\r\n`],
    ["after provisional ones", `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${answer("")}`],
    ["by a server of HTTP/1.0", answer("ok").replace("1.1", "1.0")],
    ["without content", `HTTP/1.1 204 No Content\r\n${ETAG}\r\n\r\n`],
    ["as created", answer("ok").replace("200 OK", "201 Created")],
  ])("takes an answer that is sent %s, and sends nothing twice", async (_, text) => {
    const { endpoint, bodies } = await servePuts(scheme, async (socket) => {
      for (const byte of text) {
        socket.write(byte);
        await sleep(1);
      }
      if (!/length|chunked|204/.test(text)) socket.end();
    });
    const backend = open(endpoint, { retry: ONCE });
    for (let i = 1; i <= 3; i++) {
      await expect(backend.put(KEY, new Uint8Array(9))).resolves.toMatchObject({ sizeBytes: 9 });
      expect(bodies.length).toBe(i);
    }
  });

  it.each([
    ["nothing", ""],
    ["a half head", answer("").slice(0, 40)],
    ["a half body", answer("content").slice(0, -2)],
    ["a negative length", answer("").replace(" 0", " -7")],
    ["a length and chunks", answer("", "transfer-encoding: chunked")],
    ["a head of 20 kB", answer("", ...Array.from({ length: 20 }, () => `x: ${"y".repeat(1000)}`))],
    ["a header on two lines", answer("", "x: a\r\n b")],
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["broken chunks", `HTTP/1.1 200 OK\r\n${ETAG}\r\ntransfer-encoding: chunked\r\n\r\nz\r\n`],
  ])("fails after one request as one by Node's client does: %s", async (_, text) => {
    const { endpoint, bodies } = await servePuts(scheme, (socket) => socket.end(text));
    const outcome = (size: number): Promise<unknown> =>
      open(endpoint, { retry: ONCE })
        .put(KEY, new Uint8Array(size))
        .catch(({ code, retry }: StorageError) => [code, retry]);
    expect(await outcome(9)).toEqual(["unavailable", "safe"]);
    expect(bodies.length).toBe(1);
    expect(await outcome(SMALL_BODY + 1)).toEqual(["unavailable", "safe"]);
  });

  it("does not wait for an answer behind endless provisional ones", async () => {
    const { endpoint } = await servePuts(scheme, (socket) =>
      socket.write("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(50_000)),
    );
    const put = open(endpoint, { retry: ONCE }).put(KEY, new Uint8Array(9));
    await expect(put).rejects.toMatchObject({ code: "unavailable" });
  });

  it("reports a refusal that comes before the body was read", async () => {
    const refusal = answer("<Error><Code>AccessDenied</Code></Error>", "connection: close");
    const sockets: Socket[] = [];
    const endpoint = await listen(scheme, (socket) => {
      sockets.push(socket);
      socket.once("data", () => {
        socket.pause();
        socket.end(refusal.replace("200 OK", "403 Forbidden"));
      });
    });
    const backend = open(endpoint, { retry: ONCE });
    for (let i = 1; i <= 3; i++) {
      const put = backend.put(KEY, new Uint8Array(SMALL_BODY));
      await expect(put).rejects.toMatchObject({ code: "permission_denied" });
      expect(sockets.length).toBe(i);
    }
  });

  it("fails with timeout if no answer comes, and with aborted if the signal fires", async () => {
    const { endpoint, sockets } = await servePuts(scheme, () => {});
    const bytes = new Uint8Array(9);
    const late = open(endpoint, { retry: ONCE, stallTimeoutMs: 200 }).put(KEY, bytes);
    await expect(late).rejects.toMatchObject({ code: "timeout" });
    const controller = new AbortController();
    const waiting = open(endpoint, { retry: ONCE }).put(KEY, bytes, { signal: controller.signal });
    await expect.poll(() => sockets.size).toBe(2);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    for (const socket of sockets) await closed(socket);
  });

  it("fails with timeout if the server reads nothing of it", async () => {
    const endpoint = await listen(scheme, (socket) => socket.pause());
    const backend = open(endpoint, { retry: ONCE, stallTimeoutMs: 300 });
    const puts = Array.from({ length: 4 }, () => backend.put(KEY, new Uint8Array(SMALL_BODY)));
    for (const outcome of await Promise.allSettled(puts))
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "timeout" } });
  });
});

describe("a get over https whose body may reuse its memory", () => {
  /** How both ways to send a request fail. */
  async function failures(endpoint: string): Promise<readonly unknown[]> {
    const failed: unknown[] = [];
    for (const mayReuseMemory of [true, false])
      await open(endpoint, { retry: ONCE })
        .get(KEY, { mayReuseMemory })
        .catch((error: StorageError) => failed.push([error.code, error.retry, error.message]));
    return failed;
  }

  it.each([
    [
      "a certificate that is not trusted",
      certificate("untrusted"),
      "localhost",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
    ],
    ["the certificate of another host", TRUSTED, "127.0.0.1", "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])(
    "sends nothing to a server with %s, and fails as a get by the HTTP client of Node does",
    async (_, identity, host, named) => {
      const received: unknown[] = [];
      const endpoint = await listen(
        "https",
        (socket) => socket.on("data", (data) => received.push(data)),
        identity,
      );
      const [one, other] = await failures(endpoint.replace("localhost", host));
      expect(one).toEqual(["unavailable", "never", expect.stringContaining(named)]);
      expect(one).toEqual(other);
      expect(received).toEqual([]);
    },
  );

  it("fails as a get by the HTTP client of Node does where the server does not speak TLS", async () => {
    const { endpoint } = await serve("http", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const [one, other] = await failures(endpoint.replace("http", "https"));
    expect(one).toEqual(["unavailable", "never", expect.stringContaining("does not speak TLS")]);
    expect(one).toEqual(other);
  });

  it("ends with aborted during the handshake", async () => {
    const endpoint = await listen("http", () => {});
    const controller = new AbortController();
    const waiting = read(open(endpoint.replace("http", "https")), controller.signal);
    await sleep(50);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
  });
});
