import { headText } from "./answer-head.ts";
import type { AnswerWatch } from "./answer-watch.ts";
import { type RawAnswer, RawSocket } from "./raw-socket.ts";
import type { S3Address } from "./s3-address.ts";
import type { WireRequest } from "./wire-request.ts";

/** Connections that do without the HTTP client of Node. */
export interface RawSockets {
  /**
   * Sends a request and resolves when the answer begins, or with the whole answer to a request with a body. The body of an answer must
   * be read or destroyed. Resolves to undefined if the request has to be sent by other means: while as many connections are in use as
   * are allowed and, without a body, for any answer but a body of a known length or a short refusal. A request with a body is sent at
   * most once.
   */
  send(request: WireRequest): Promise<RawAnswer | undefined>;
  /** Closes every connection. */
  close(): void;
}

/** After this many answers in a row that had to be requested again, as a store always frames its bodies in another way, none is tried. */
const MAX_LOST = 3;

/**
 * Creates connections for bodies of objects, which the HTTP client of Node copies into memory that it allocates for each chunk, and
 * for small bodies that are sent, for which that client does much else. Nothing is sent yet.
 */
export function createRawSockets(address: S3Address, watch: AnswerWatch, maxConnections: number): RawSockets {
  const idle: RawSocket[] = [];
  const open = new Set<RawSocket>();
  let isClosed = false;
  let lostInARow = 0;
  return {
    send(request) {
      const head = headText(request);
      if (head === undefined || isClosed || lostInARow >= MAX_LOST) return Promise.resolve(undefined);
      if (request.signal?.aborted) return Promise.reject(new Error("aborted"));
      let socket = idle.pop();
      if (socket === undefined) {
        if (open.size >= maxConnections) return Promise.resolve(undefined);
        const created = new RawSocket(address, watch, {
          onIdle: () => idle.push(created),
          onSuccess: (isUsable) => {
            lostInARow = isUsable ? 0 : lostInARow + 1;
          },
          onEnd() {
            open.delete(created);
            const at = idle.indexOf(created);
            if (at >= 0) idle.splice(at, 1);
          },
        });
        open.add(created);
        socket = created;
      }
      return socket.send(head, request);
    },
    close() {
      isClosed = true;
      for (const socket of open) socket.destroy();
    },
  };
}
