import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Starts a TCP proxy in front of a port of this machine, which passes everything on at once and counts it. */
export async function startCountingProxy(port) {
  let passed = { up: [], down: [] };
  const sockets = new Set();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {
        client.destroy();
        upstream.destroy();
      });
      socket.once("close", () => sockets.delete(socket));
    }
    client.on("data", (chunk) => passed.up.push({ at: performance.now(), bytes: chunk.byteLength }));
    upstream.on("data", (chunk) => passed.down.push({ at: performance.now(), bytes: chunk.byteLength }));
    client.pipe(upstream);
    upstream.pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  };
  return {
    endpoint: `http://127.0.0.1:${server.address().port}`,
    reset() {
      passed = { up: [], down: [] };
    },
    /** How many bytes have passed. */
    total: (direction) => passed[direction].reduce((sum, { bytes }) => sum + bytes, 0),
    /** The most bytes that passed in any period of this length. */
    mostIn(ms, direction) {
      const list = passed[direction];
      let most = 0;
      let sum = 0;
      let from = 0;
      for (const { at, bytes } of list) {
        sum += bytes;
        for (; list[from].at <= at - ms; from++) sum -= list[from].bytes;
        most = Math.max(most, sum);
      }
      return most;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
