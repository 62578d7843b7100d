import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { VerifiedSignature } from "../signature/authenticate.ts";
import { EMPTY_SHA256, signingKey, signLines } from "../signature/signature-v4.ts";
import { AwsChunkedDecoder, type AwsChunkedOptions } from "./aws-chunked-decoder.ts";

const scope = { date: "20260101", region: "us-east-1", service: "s3" };
const signature: VerifiedSignature = {
  key: signingKey("secret", scope),
  scope: "20260101/us-east-1/s3/aws4_request",
  amzDate: "20260101T000000Z",
  signature: "0".repeat(64),
  payloadHash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
};

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Frames and signs chunks like a client. */
function signedWire(chunks: readonly string[], trailer?: string): string {
  let previous = signature.signature;
  const sign = (algorithm: string, ...hashes: readonly string[]): string => {
    previous = signLines(signature.key, [algorithm, signature.amzDate, signature.scope, previous, ...hashes]);
    return previous;
  };
  let wire = "";
  for (const chunk of [...chunks, ""]) {
    const own = sign("AWS4-HMAC-SHA256-PAYLOAD", EMPTY_SHA256, sha256(chunk));
    wire += `${Buffer.byteLength(chunk).toString(16)};chunk-signature=${own}\r\n`;
    if (chunk !== "") wire += `${chunk}\r\n`;
  }
  if (trailer === undefined) return `${wire}\r\n`;
  return `${wire}${trailer}\r\nx-amz-trailer-signature:${sign("AWS4-HMAC-SHA256-TRAILER", sha256(`${trailer}\n`))}\r\n\r\n`;
}

function decode(wire: string, options: AwsChunkedOptions, pieceBytes = wire.length) {
  const decoder = new AwsChunkedDecoder(options);
  const bytes = Buffer.from(wire);
  let payload = "";
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    decoder.push(bytes.subarray(at, at + pieceBytes), (run) => {
      payload += run.toString("latin1");
    });
  }
  decoder.end();
  return { payload, trailers: Object.fromEntries(decoder.trailers) };
}

describe("AwsChunkedDecoder", () => {
  const unsigned = "5\r\nhello\r\n6\r\n, all!\r\n0\r\nX-Amz-Checksum-Crc32: abc=\r\n\r\n";

  it.each([1, 2, 3, 7, 1000])("decodes the wire in pieces of %i bytes", (pieceBytes) => {
    expect(decode(unsigned, { hasTrailer: true }, pieceBytes)).toEqual({
      payload: "hello, all!",
      trailers: { "x-amz-checksum-crc32": "abc=" },
    });
    const wire = signedWire(["first", "second"], "x-amz-checksum-crc32:abc=");
    expect(decode(wire, { signature, hasTrailer: true }, pieceBytes).payload).toBe("firstsecond");
  });

  it("decodes signed chunks without a trailer and an empty body", () => {
    expect(decode(signedWire(["one"]), { signature, hasTrailer: false }).payload).toBe("one");
    expect(decode(signedWire([]), { signature, hasTrailer: false }).payload).toBe("");
  });

  it("rejects a changed chunk, order of chunks or trailer", () => {
    const wire = signedWire(["first", "other"], "x-amz-checksum-crc32:abc=");
    const options = { signature, hasTrailer: true };
    expect(() => decode(wire.replace("first", "fires"), options)).toThrow(/signature/);
    expect(() => decode(wire.replace("first", "swap").replace("5;", "4;"), options)).toThrow(/signature/);
    expect(() => decode(wire.replace("crc32:abc=", "crc32:abd="), options)).toThrow(/signature/);
    expect(() => decode(unsigned, options)).toThrow(/signature/);
  });

  it.each([
    ["ends in a chunk", "5\r\nhel"],
    ["lacks the last chunk", "5\r\nhello\r\n"],
    ["lacks the end of the trailers", "0\r\nx-amz-checksum-crc32:abc=\r\n"],
    ["has a chunk longer than it says", "4\r\nhello\r\n0\r\n\r\n"],
    ["goes on after its end", `${unsigned}5\r\nhello\r\n`],
    ["is not framed", "hello, this is a body"],
  ])("rejects a body that %s", (_, wire) => {
    expect(() => decode(wire, { hasTrailer: true })).toThrow(/terminated unexpectedly/);
  });
});
