import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { StorageError } from "@parquetry/core";
import { describe, expect, it } from "vitest";
import { KEY, ONCE, open, read, type Scheme, serve, startServer } from "../test/support/scripted-server.ts";

const SLOW_DOWN = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
/** A body in two chunks. */
const chunked = (body: string): string[] => {
  const halves = [body.slice(0, 9), body.slice(9)];
  return [...halves.flatMap((half) => [half.length.toString(16), half]), "0", "", ""];
};

describe.each<Scheme>(["http", "https"])(
  "a get over %s that is refused, whose body may reuse its memory",
  (scheme) => {
    it("reports a refusal as a get by the HTTP client of Node does", async () => {
      const server = await startServer(scheme);
      const backend = open(server.endpoint, { credentials: server.credentials });
      await expect(read(backend)).rejects.toMatchObject({ code: "not_found", storeCode: "NoSuchKey" });
      await backend.put(KEY, new Uint8Array(9));
      server.setFaults([{ operation: "GetObject", nth: 1, fault: { kind: "status", status: 503 } }]);
      expect((await read(backend)).length).toBe(9);
    });

    it.each([
      ["with a length", 503, [`content-length: ${SLOW_DOWN.length}`, "", SLOW_DOWN]],
      ["in chunks", 503, ["Transfer-Encoding: chunked", "", ...chunked(SLOW_DOWN)]],
      [
        "in chunks with an extension and a trailer",
        503,
        [
          "transfer-encoding: chunked",
          "",
          `${SLOW_DOWN.length.toString(16)};x=y`,
          SLOW_DOWN,
          "0",
          "a: b",
          "",
          "",
        ],
      ],
      ["without a body", 503, ["content-length: 0", "Retry-After: 7", "", ""]],
      ["after a redirect", 301, ["content-length: 0", "x-amz-bucket-region: eu-west-3", "", ""]],
    ])("requests nothing twice if it is refused %s", async (_, status, lines) => {
      const { endpoint, requests, sockets } = await serve(scheme, (socket) =>
        socket.write([`HTTP/1.1 ${status} X`, ...lines].join("\r\n")),
      );
      const backend = open(endpoint, { retry: ONCE });
      const failure = (mayReuseMemory: boolean): Promise<unknown> =>
        backend.get(KEY, { mayReuseMemory }).then(
          () => "no failure",
          ({ code, message, retryAfterMs, storeCode }: StorageError) => [
            code,
            message,
            retryAfterMs,
            storeCode,
          ],
        );
      const failures = [await failure(true), await failure(true)];
      expect([requests.length, sockets.size]).toEqual([2, 1]);
      expect(failures).toEqual([await failure(false), await failure(false)]);
    });

    it("reads a refusal that arrives byte by byte", async () => {
      const { endpoint, requests } = await serve(scheme, async (socket) => {
        const text = ["HTTP/1.1 503 X", "transfer-encoding: chunked", "", ...chunked(SLOW_DOWN)].join("\r\n");
        for (const byte of text) {
          socket.write(byte);
          await setImmediate();
        }
      });
      await expect(read(open(endpoint, { retry: ONCE }))).rejects.toMatchObject({ storeCode: "SlowDown" });
      expect(requests.length).toBe(1);
    });

    it.each([
      ["until the connection closes", ["connection: close", "", SLOW_DOWN]],
      ["in chunks that are malformed", ["transfer-encoding: chunked", "", "zz", SLOW_DOWN, "0", "", ""]],
      ["with 100 kB", ["content-length: 100000", "", "x".repeat(100_000)]],
      ["in chunks of 100 kB", ["transfer-encoding: chunked", "", ...chunked("x".repeat(100_000))]],
      ["in two codings", ["transfer-encoding: gzip, chunked", "", ...chunked(SLOW_DOWN)]],
    ])("leaves a refusal that is sent %s to the HTTP client of Node", async (_, lines) => {
      const { endpoint, requests } = await serve(scheme, (socket) =>
        socket.end(["HTTP/1.1 503 X", ...lines].join("\r\n")),
      );
      const backend = open(endpoint, { retry: ONCE });
      await expect(read(backend)).rejects.toMatchObject({
        code: expect.stringMatching(/unavailable|rate_limited/),
      });
      expect(requests.length).toBe(2);
    });

    it("fails if a refusal is cut, and if the signal fires in it", async () => {
      const text = ["HTTP/1.1 503 X", "transfer-encoding: chunked", "", "9", "half"].join("\r\n");
      const cut = await serve(scheme, (socket) => socket.end(text));
      await expect(read(open(cut.endpoint, { retry: ONCE }))).rejects.toMatchObject({ code: "unavailable" });
      const half = await serve(scheme, (socket) => socket.write(text));
      const controller = new AbortController();
      const waiting = read(open(half.endpoint, { retry: ONCE }), controller.signal);
      await sleep(50);
      controller.abort();
      await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    });
  },
);
