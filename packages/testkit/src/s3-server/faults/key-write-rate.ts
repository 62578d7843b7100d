import type { S3Reply } from "../http/s3-reply.ts";
import type { S3Request } from "../http/s3-request.ts";
import type { S3Operation } from "../operations/s3-operation.ts";
import { S3Error } from "../s3-error.ts";

const WRITES: ReadonlySet<S3Operation> = new Set(["PutObject", "CopyObject", "CompleteMultipartUpload"]);

/** Rejects writes of a key that exceed a rate. */
export class KeyWriteRate {
  readonly #intervalMs: number;
  readonly #nowMs: () => number;
  readonly #writtenAt = new Map<string, number>();

  constructor(writesPerSecond: number, nowMs: () => number) {
    this.#intervalMs = 1000 / writesPerSecond;
    this.#nowMs = nowMs;
  }

  /** Runs the operation unless it writes a key that was written less than an interval ago. */
  async hold(request: S3Request, run: () => Promise<S3Reply>): Promise<S3Reply> {
    if (this.#intervalMs === 0 || !WRITES.has(request.operation)) return await run();
    const name = `${request.bucket}/${request.key}`;
    const writtenAt = this.#writtenAt.get(name) ?? Number.NEGATIVE_INFINITY;
    if (this.#nowMs() - writtenAt < this.#intervalMs) {
      throw new S3Error("TooManyRequests", "Reduce your rate of concurrent writes to the same object.");
    }
    const reply = await run();
    this.#writtenAt.set(name, this.#nowMs());
    return reply;
  }
}
