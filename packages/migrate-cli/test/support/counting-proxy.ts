import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";

/** The direction as seen by the client. */
export type Direction = "up" | "down";

/** A TCP proxy that counts the bytes that pass. */
export interface CountingProxy extends AsyncDisposable {
  /** Its address, as the endpoint of a store. */
  readonly endpoint: string;
  /** How many bytes have passed. */
  total(direction: Direction): number;
  /** The most bytes that passed in any period of this length. */
  mostIn(ms: number, direction: Direction): number;
  /** Forgets what has passed. */
  reset(): void;
}

/** Starts a {@link CountingProxy} in front of a server of this machine. It passes on everything at once. */
export async function startCountingProxy(port: number): Promise<CountingProxy> {
  const passed: Record<Direction, { readonly at: number; readonly bytes: number }[]> = { up: [], down: [] };
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    client.on("data", (chunk) => passed.up.push({ at: performance.now(), bytes: chunk.byteLength }));
    upstream.on("data", (chunk) => passed.down.push({ at: performance.now(), bytes: chunk.byteLength }));
    client.pipe(upstream).on("error", () => client.destroy());
    upstream.pipe(client).on("error", () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    total: (direction) => passed[direction].reduce((sum, { bytes }) => sum + bytes, 0),
    mostIn(ms, direction) {
      const list = passed[direction];
      let most = 0;
      let sum = 0;
      let from = 0;
      for (const { at, bytes } of list) {
        sum += bytes;
        for (let first = list[from]; first !== undefined && first.at <= at - ms; first = list[++from])
          sum -= first.bytes;
        most = Math.max(most, sum);
      }
      return most;
    },
    reset() {
      passed.up = [];
      passed.down = [];
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}
