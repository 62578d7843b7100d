import type { IncomingMessage } from "node:http";
import { createByteBudget, type TransferLimits } from "@parquetry/core/unstable";
import type { WireRequest } from "./wire-request.ts";

/**
 * How many long bodies are sent at the same time under a limit. One after the other would leave the line idle between them; all
 * of them together would each come so slowly that the store gives them up.
 */
const SENDERS = 4;

/** Paces one request that has been admitted, with the first piece of its body. */
export interface RequestPacer {
  /** The size of each piece, in bytes. */
  readonly sliceBytes: number;
  /** Waits until the next piece may be sent. */
  next(restBytes: number, signal: AbortSignal | undefined): Promise<void>;
  /** Counts the answer, beyond what was expected. */
  received(answer: IncomingMessage): void;
  /** All of the request was sent, or nothing more will be. */
  sent(): void;
}

/** Makes a function that waits until a request may begin under the limits that then apply. */
export function createRequestPacer(
  limits: ReadonlyMap<TransferLimits, unknown>,
): (request: WireRequest) => Promise<RequestPacer> {
  const senders = createByteBudget(SENDERS);
  return async ({ method, path, headers, body, expectedBytes = 0, signal }) => {
    const current = [...limits.keys()];
    const take = async (
      direction: keyof TransferLimits,
      bytes: number,
      until: AbortSignal | undefined,
    ): Promise<void> => {
      for (const limit of current) await limit[direction].take(bytes, until);
    };
    const sliceBytes = Math.min(64 * 1024, ...current.map(({ upload }) => upload.sliceBytes));
    const bodyBytes = body?.byteLength ?? 0;
    // A place is held until the last piece is sent, so a request of one piece needs none.
    const sent = bodyBytes > sliceBytes ? await senders.take(1) : () => {};
    try {
      await take("upload", path.length + headerBytes(headers) + Math.min(bodyBytes, sliceBytes), signal);
      await take("download", expectedBytes, signal);
    } catch (error) {
      sent();
      throw error;
    }
    return {
      sliceBytes,
      sent,
      next: (restBytes, until) => take("upload", Math.min(restBytes, sliceBytes), until),
      received(answer) {
        const charge = (bytes: number): void => {
          for (const { download } of current) download.charge(bytes);
        };
        charge(headerBytes(answer.rawHeaders) - expectedBytes);
        const length = answer.headers["content-length"];
        if (method === "HEAD" || answer.statusCode === 204) return;
        if (length !== undefined) return charge(Number(length));
        const { socket } = answer;
        const before = socket.bytesRead;
        answer.once("end", () => charge(socket.bytesRead - before));
      },
    };
  };
}

/** The size of headers on the wire, with the line that precedes them. */
function headerBytes(headers: readonly string[]): number {
  return headers.reduce((sum, word) => sum + word.length + 2, 24);
}
