import { createHash } from "#platform";
import { checkArgument } from "./check-arguments.ts";
import { CHUNKS, type ObjectBody, objectBody } from "./object-body.ts";
import type { ByteRange, ObjectInfo } from "./storage-backend.ts";
import { StorageError } from "./storage-error.ts";

/**
 * Returns a body that is compared with the hash that the store recorded: the SHA-256 if there is one, else the MD5. It yields
 * all chunks and then throws `corrupt` if the hash differs. Without a recorded hash, or with a `range`, the body itself is
 * returned.
 *
 * @example
 * ```ts
 * return { info, body: options.verify ? verifiedBody("s3", info, options.range, body) : body };
 * ```
 */
export function verifiedBody(
  backend: string,
  info: ObjectInfo,
  range: ByteRange | undefined,
  body: ObjectBody,
): ObjectBody {
  checkArgument(info, "object", "info", "get");
  checkArgument(body, CHUNKS, "body", "get");
  const algorithm = info.sha256 === undefined ? "md5" : "sha256";
  const expected = info.sha256 ?? info.md5;
  if (expected === undefined || range !== undefined) return body;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const hash = createHash(algorithm);
    for await (const chunk of body) {
      hash.update(chunk);
      yield chunk;
    }
    const actual = hash.digest("hex");
    if (actual === expected) return;
    throw new StorageError({
      code: "corrupt",
      op: "get",
      path: info.key,
      backend,
      message: `get ${info.key}: received bytes with ${algorithm} ${actual}, expected ${expected}. Read it again; if that fails too, the object is damaged.`,
    });
  }
  return objectBody(chunks(), () => body.cancel());
}
