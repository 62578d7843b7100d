import { abilitiesOf, type StorageBackend } from "@parquetry/core/backend";

/** The largest file that is read whole before it is sent, in bytes, if the source does not set a limit itself. */
export const WHOLE_BYTES: number = 8 * 1024 * 1024;

/** Whether a file is read whole before it is sent; larger ones are streamed, or sent in parts. */
export function isSentWhole(sizeBytes: number, source: StorageBackend, target: StorageBackend): boolean {
  const readWhole = abilitiesOf(source).hashedReads?.maxFileBytes ?? WHOLE_BYTES;
  return sizeBytes <= Math.min(readWhole, target.capabilities.maxSinglePutBytes);
}
