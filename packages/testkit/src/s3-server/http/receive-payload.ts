import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { S3Error } from "../s3-error.ts";
import {
  acceptChecksumValue,
  type Checksum,
  type ChecksumAlgorithm,
  startChecksum,
} from "../store/checksum.ts";
import { AwsChunkedDecoder } from "./aws-chunked-decoder.ts";
import type { PayloadPlan } from "./payload-plan.ts";

/** Says that the client disconnected before its body was complete, so no reply can be sent. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** Receives each chunk first, for faults; may change the chunk or delay it. */
export type WireTap = (chunk: Buffer, offset: number) => Buffer | Promise<Buffer>;

/** A body that was received completely and matches its digests. */
export interface ReceivedPayload {
  /** Bytes. */
  readonly size: number;
  /** MD5 in hex. */
  readonly md5: string;
  readonly checksum?: Checksum;
}

/** Options of {@link receivePayload}. */
export interface ReceiveOptions {
  readonly incoming: IncomingMessage;
  readonly plan: PayloadPlan;
  /** Consumes the payload; a returned promise pauses the client. */
  readonly write: (chunk: Buffer) => Promise<void> | undefined;
  /** Checksum to compute if the client sent none. */
  readonly computeChecksum?: ChecksumAlgorithm;
  /** Called with the size of each piece that arrives. */
  readonly onWire: (bytes: number) => void;
  readonly tap?: WireTap;
}

/** Passes each piece of the body to `take` and pauses the socket while that waits. */
function drain(incoming: IncomingMessage, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let ended = false;
    let waiting = false;
    const settle = (error?: unknown): void => {
      incoming.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
      if (error === undefined) {
        resolve();
        return;
      }
      // The rest is discarded, so that the connection stays usable for the reply and further requests.
      incoming.on("error", () => {});
      incoming.resume();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      try {
        const wait = take(chunk);
        if (wait === undefined) return;
        waiting = true;
        incoming.pause();
        wait.then(() => {
          waiting = false;
          if (ended) settle();
          else incoming.resume();
        }, settle);
      } catch (error) {
        settle(error);
      }
    };
    const onEnd = (): void => {
      ended = true;
      if (!waiting) settle();
    };
    const onClose = (): void => {
      if (!ended) settle(new ClientGone("The client closed the connection."));
    };
    incoming.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    // A close that has already happened emits no event any more.
    if (incoming.destroyed && !incoming.readableEnded) onClose();
  });
}

/**
 * Receives a request's body: removes its framing, passes the payload on, and verifies its length, signature, MD5 and checksum.
 * Throws `IncompleteBody`, `BadDigest`, `XAmzContentSHA256Mismatch`, `SignatureDoesNotMatch`, `MalformedTrailerError`, or
 * {@link ClientGone}.
 */
export async function receivePayload(options: ReceiveOptions): Promise<ReceivedPayload> {
  const { incoming, plan, write, tap } = options;
  const md5 = createHash("md5");
  const algorithm = plan.checksum?.algorithm ?? options.computeChecksum;
  // One SHA-256 serves as the payload's hash and as its checksum.
  const needsSha256 = plan.sha256 !== undefined || algorithm === "sha256";
  const sha256 = needsSha256 ? createHash("sha256") : undefined;
  const running =
    algorithm === undefined || algorithm === "sha256" ? undefined : await startChecksum(algorithm);
  const decoder = plan.framing && new AwsChunkedDecoder(plan.framing);
  let size = 0;
  let wait: Promise<void> | undefined;
  const takePayload = (payload: Buffer): void => {
    size += payload.length;
    if (size > plan.size) throw incompleteBody();
    md5.update(payload);
    sha256?.update(payload);
    running?.update(payload);
    const written = write(payload);
    if (written !== undefined) wait = wait === undefined ? written : wait.then(() => written);
  };
  const takeWire = (wire: Buffer): Promise<void> | undefined => {
    wait = undefined;
    if (decoder === undefined) takePayload(wire);
    else decoder.push(wire, takePayload);
    return wait;
  };
  let offset = 0;
  await drain(incoming, (chunk) => {
    const at = offset;
    offset += chunk.length;
    options.onWire(chunk.length);
    const tapped = tap === undefined ? chunk : tap(chunk, at);
    return tapped instanceof Promise ? tapped.then(takeWire) : takeWire(tapped);
  });
  decoder?.end();
  if (size !== plan.size) throw incompleteBody();
  const md5Bytes = md5.digest();
  const sha256Bytes = sha256?.digest();
  if (plan.sha256 !== undefined && sha256Bytes?.toString("hex") !== plan.sha256) {
    throw new S3Error(
      "XAmzContentSHA256Mismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  if (plan.md5 !== undefined && md5Bytes.toString("base64") !== plan.md5) {
    throw new S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.");
  }
  const received = { size, md5: md5Bytes.toString("hex") };
  if (algorithm === undefined) return received;
  const value = (running?.digest() ?? sha256Bytes)?.toString("base64") ?? "";
  if (plan.checksum !== undefined) {
    const expected = plan.checksum.value ?? trailerValue(algorithm, decoder?.trailers);
    if (expected !== value) {
      const name = algorithm.toUpperCase();
      throw new S3Error("BadDigest", `The ${name} you specified did not match the calculated checksum.`);
    }
  }
  return { ...received, checksum: { algorithm, value, type: "FULL_OBJECT" } };
}

function trailerValue(
  algorithm: ChecksumAlgorithm,
  trailers: ReadonlyMap<string, string> | undefined,
): string {
  const value = trailers?.get(`x-amz-checksum-${algorithm}`);
  if (value === undefined) {
    const message = `The trailer x-amz-checksum-${algorithm} was announced but not sent.`;
    throw new S3Error("MalformedTrailerError", message);
  }
  return acceptChecksumValue(algorithm, value);
}

function incompleteBody(): S3Error {
  return new S3Error(
    "IncompleteBody",
    "You did not provide the number of bytes specified by the Content-Length HTTP header",
  );
}
