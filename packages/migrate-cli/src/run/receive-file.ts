import { abilitiesOf, type PutOptions, type ReplayableBody, throwIfAborted } from "@parquetry/core/backend";
import type { PlannedFile } from "../plan/migration-plan.ts";
import { etagOfParts, provingPartSizes } from "../proof/multipart-etag.ts";
import { checkMd5, hashLike, readVersion } from "../proof/read-version.ts";
import { type Arrival, confirmArrival, type SourceReading } from "./arrival.ts";
import { putOrFind } from "./put-or-find.ts";
import { causeOf } from "./repeatable-read.ts";
import type { SendContext } from "./send-context.ts";
import { WHOLE_BYTES } from "./sent-whole.ts";

/**
 * Copies a large file of a bucket to a directory, whose thread writes it, reads it back and hashes it once: its MD5, if the source
 * proves one, or else the parts of its multipart ETag.
 *
 * @returns undefined if nothing of this applies, or the directory's thread has ended. Nothing is stored then.
 * @throws StorageError as `sendFile`.
 */
export async function receiveFile(
  file: PlannedFile,
  options: PutOptions,
  context: SendContext,
): Promise<Arrival | undefined> {
  const { source, target, signal, stopSignal, underWay, limiter, onBytes } = context;
  const writes = abilitiesOf(target).hashedWrites;
  const [partSizeBytes, ...otherSizes] = provingPartSizes(file);
  if (writes === undefined || partSizeBytes === undefined || limiter !== undefined) return undefined;
  const { key, sizeBytes, etag, md5: expected } = file;
  const entry = underWay?.beginStream(sizeBytes, WHOLE_BYTES);
  let received = 0;
  let sourceFailure: unknown;
  let found: SourceReading = { md5: undefined, isProven: false };

  async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
    const range = end - start === sizeBytes ? undefined : { start, end };
    try {
      for await (const chunk of readVersion(source, file, { range, mayReuseMemory: true, signal })) {
        if (sizeBytes - received > WHOLE_BYTES) throwIfAborted(stopSignal, "copy", key, target.name);
        received += chunk.byteLength;
        onBytes?.(chunk.byteLength);
        entry?.at(received);
        yield chunk;
      }
    } catch (error) {
      sourceFailure ??= error;
      throw error;
    }
  }
  // The target copies each chunk before it requests the next one.
  const body: ReplayableBody = {
    sizeBytes,
    open: ({ start, end } = { start: 0 }) => read(start, end ?? sizeBytes),
  };
  const check = (md5s: readonly string[]): void => {
    const [md5] = md5s;
    if (expected === undefined) {
      const multipartEtag = etagOfParts(md5s);
      found = { md5: undefined, multipartEtag, partSizeBytes, isProven: multipartEtag === etag };
    } else if (md5 !== undefined) {
      checkMd5(source, file, md5);
      found = { md5, isProven: true };
    }
  };

  let isStored = true;
  try {
    const stored = await putOrFind(
      target,
      file,
      signal,
      () => found,
      async () => {
        const put = await writes.put(key, body, { ...options, partSizeBytes, check });
        isStored = put !== undefined;
        return put ?? { etag: "", sizeBytes: 0 };
      },
    );
    if (!isStored) {
      onBytes?.(-received);
      return undefined;
    }
    for (const size of found.isProven ? [] : otherSizes) {
      const like = { md5: undefined, partSizeBytes: size };
      const other = await hashLike(like, target, { key, etag: stored.etag, sizeBytes }, signal);
      if (other === etag)
        found = { md5: undefined, multipartEtag: other, partSizeBytes: size, isProven: true };
    }
    return await confirmArrival(file, stored, found, "read back", context);
  } catch (error) {
    throw causeOf(error, sourceFailure);
  } finally {
    entry?.end();
  }
}
