import { createHash, type Hash } from "node:crypto";
import { S3Error } from "../s3-error.ts";
import type { VerifiedSignature } from "../signature/authenticate.ts";
import { EMPTY_SHA256, sameSignature, signatureMismatch, signLines } from "../signature/signature-v4.ts";

/** Longest chunk header or trailer line. */
const MAX_LINE_BYTES = 4096;
const MAX_TRAILER_BYTES = 16_384;
/** Largest chunk that S3 accepts. */
const MAX_CHUNK_BYTES = 5 * 1024 ** 3;

const NEWLINE = 10;

/** `data-end` expects the line break after a chunk's data, `end` the blank line after the last chunk. */
type State = "header" | "data" | "data-end" | "trailer" | "end" | "done";

/** Options of {@link AwsChunkedDecoder}. */
export interface AwsChunkedOptions {
  /** The signature that the first chunk's continues; absent if the chunks are not signed. */
  readonly signature?: VerifiedSignature;
  /** Whether trailers follow the last chunk. */
  readonly hasTrailer: boolean;
}

function incomplete(): S3Error {
  return new S3Error("IncompleteBody", "The request body terminated unexpectedly");
}

function malformedTrailer(): S3Error {
  return new S3Error("MalformedTrailerError", "The request contained trailing data that was not well-formed");
}

/**
 * Removes the `aws-chunked` framing of a body piece by piece, without copying the payload, and verifies the signatures of
 * signed chunks and trailers.
 *
 * @example
 * const decoder = new AwsChunkedDecoder({ hasTrailer: true });
 * decoder.push(wire, (payload) => hash.update(payload));
 * decoder.end();
 * decoder.trailers.get("x-amz-checksum-crc32");
 */
export class AwsChunkedDecoder {
  /** Received trailers by lower-case name; complete when `end` has returned. */
  readonly trailers: Map<string, string> = new Map();
  readonly #signature: VerifiedSignature | undefined;
  readonly #hasTrailer: boolean;
  #state: State = "header";
  #line = "";
  #remaining = 0;
  #chunkHash: Hash | undefined;
  #chunkSignature = "";
  #previousSignature: string;
  #trailerText = "";
  #trailerVerified = false;

  constructor(options: AwsChunkedOptions) {
    this.#signature = options.signature;
    this.#hasTrailer = options.hasTrailer;
    this.#previousSignature = options.signature?.signature ?? "";
  }

  /** Decodes one piece of the wire and passes each run of payload to `emit`. */
  push(wire: Buffer, emit: (payload: Buffer) => void): void {
    let position = 0;
    while (position < wire.length) {
      if (this.#state === "done") throw incomplete();
      if (this.#state === "data") {
        const payload = wire.subarray(position, position + this.#remaining);
        position += payload.length;
        this.#remaining -= payload.length;
        this.#chunkHash?.update(payload);
        emit(payload);
        if (this.#remaining === 0) this.#state = "data-end";
        continue;
      }
      const newline = wire.indexOf(NEWLINE, position);
      const end = newline === -1 ? wire.length : newline;
      this.#line += wire.toString("latin1", position, end);
      position = end + 1;
      if (this.#line.length > MAX_LINE_BYTES) throw incomplete();
      if (newline !== -1) {
        const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
        this.#line = "";
        this.#readLine(line);
      }
    }
  }

  /** Ends the stream. Throws `IncompleteBody` if the last chunk is missing. */
  end(): void {
    if (this.#line !== "" || (this.#state !== "done" && this.#state !== "end")) throw incomplete();
  }

  #readLine(line: string): void {
    switch (this.#state) {
      case "header":
        this.#readChunkHeader(line);
        break;
      case "trailer":
        this.#readTrailer(line);
        break;
      case "data-end":
        if (line !== "") throw incomplete();
        this.#verifyChunk();
        this.#state = "header";
        break;
      default:
        if (line !== "") throw incomplete();
        this.#state = "done";
    }
  }

  #readChunkHeader(line: string): void {
    const match = /^([0-9a-fA-F]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    if (match === null) throw incomplete();
    this.#remaining = Number.parseInt(match[1] ?? "", 16);
    if (this.#remaining > MAX_CHUNK_BYTES) throw incomplete();
    if (this.#signature !== undefined) {
      this.#chunkSignature = match[2] ?? "";
      this.#chunkHash = createHash("sha256");
    }
    if (this.#remaining > 0) {
      this.#state = "data";
    } else {
      this.#verifyChunk();
      this.#state = this.#hasTrailer ? "trailer" : "end";
    }
  }

  #verifyChunk(): void {
    if (this.#signature === undefined) return;
    const hash = this.#chunkHash?.digest("hex") ?? EMPTY_SHA256;
    this.#verify("AWS4-HMAC-SHA256-PAYLOAD", [EMPTY_SHA256, hash], this.#chunkSignature);
    this.#previousSignature = this.#chunkSignature;
  }

  #verify(algorithm: string, hashes: readonly string[], sent: string): void {
    if (this.#signature === undefined) return;
    const { key, amzDate, scope } = this.#signature;
    const computed = signLines(key, [algorithm, amzDate, scope, this.#previousSignature, ...hashes]);
    if (!sameSignature(sent, computed)) throw signatureMismatch();
  }

  #readTrailer(line: string): void {
    if (line === "") {
      // Some signers write a blank line between the trailers and their signature.
      if (this.#signature !== undefined && !this.#trailerVerified) return;
      this.#state = "done";
      return;
    }
    const colon = line.indexOf(":");
    if (colon < 1) throw malformedTrailer();
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "x-amz-trailer-signature") {
      const hash = createHash("sha256").update(this.#trailerText).digest("hex");
      this.#verify("AWS4-HMAC-SHA256-TRAILER", [hash], value);
      this.#trailerVerified = true;
      return;
    }
    if (this.#trailerVerified) throw malformedTrailer();
    this.#trailerText += `${name}:${value}\n`;
    if (this.#trailerText.length > MAX_TRAILER_BYTES) throw malformedTrailer();
    this.trailers.set(name, value);
  }
}
