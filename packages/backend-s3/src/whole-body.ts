import type { AnswerHead } from "./answer-head.ts";

/** The longest body that is read with its head, in bytes. */
const MAX_BODY_BYTES = 64 * 1024;

const LINE_END = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");
/** The size of a chunk, and extensions that mean nothing here. */
const CHUNK_HEAD = /^([0-9a-f]{1,6})[ \t]*(?:;[^\r\n]*)?$/i;
const MAX_CHUNK_HEAD_BYTES = 200;

/** Returns a short body from what has been received of it. Undefined if it is longer than 64 KiB, or than announced, or malformed. */
export function wholeBody(
  { bodyBytes }: AnswerHead,
  received: Buffer,
  isAtEnd: boolean,
): Buffer | "incomplete" | undefined {
  if (received.byteLength > MAX_BODY_BYTES) return undefined;
  if (bodyBytes === "with the connection") return isAtEnd ? received : "incomplete";
  if (bodyBytes === "after its chunks") return joinChunks(received);
  if (bodyBytes > MAX_BODY_BYTES || received.byteLength > bodyBytes) return undefined;
  return received.byteLength < bodyBytes ? "incomplete" : received;
}

/** https://www.rfc-editor.org/rfc/rfc9112#section-7.1 */
function joinChunks(received: Buffer): Buffer | "incomplete" | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = received.indexOf(LINE_END, at);
    if (lineEnd < 0) return received.byteLength - at > MAX_CHUNK_HEAD_BYTES ? undefined : "incomplete";
    const size = Number.parseInt(CHUNK_HEAD.exec(received.toString("latin1", at, lineEnd))?.[1] ?? "", 16);
    if (Number.isNaN(size)) return undefined;
    if (size === 0) {
      // With trailers or without, an empty line ends the body.
      const end = received.indexOf(HEAD_END, lineEnd);
      if (end < 0) return "incomplete";
      return end + HEAD_END.byteLength === received.byteLength ? Buffer.concat(chunks) : undefined;
    }
    const start = lineEnd + LINE_END.byteLength;
    const end = start + size;
    if (received.byteLength < end + LINE_END.byteLength)
      return size > MAX_BODY_BYTES ? undefined : "incomplete";
    if (received.compare(LINE_END, 0, LINE_END.byteLength, end, end + LINE_END.byteLength) !== 0)
      return undefined;
    chunks.push(received.subarray(start, end));
    at = end + LINE_END.byteLength;
  }
}
