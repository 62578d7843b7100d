import { createHash } from "node:crypto";
import { type ObjectBody, objectBody } from "./object-body.ts";
import type { ByteRange, ObjectInfo } from "./storage-backend.ts";
import { StorageError } from "./storage-error.ts";

/**
 * A body that is compared with what the store recorded of it: with the SHA-256 where there is one, else with the MD5. All
 * chunks come through; the last step throws `corrupt` where they are not what was stored. Without a record, or with a
 * `range`, the body is given back as it is.
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
      message: `get ${info.key}: the bytes have ${algorithm} ${actual}, ${expected} was stored. Read it again; if it stays so, the object is damaged.`,
    });
  }
  return objectBody(chunks(), () => body.cancel());
}
