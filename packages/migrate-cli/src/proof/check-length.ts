import { type ObjectInfo, type StorageBackend, StorageError } from "@parquetry/core/backend";

/**
 * Checks that a body had the bytes that the listing announced.
 *
 * @throws StorageError `corrupt` where it had not.
 */
export function checkLength(
  backend: StorageBackend,
  info: Pick<ObjectInfo, "key" | "sizeBytes">,
  bytes: number,
): void {
  if (bytes === info.sizeBytes) return;
  throw new StorageError({
    code: "corrupt",
    op: "get",
    path: info.key,
    backend: backend.name,
    message: `get ${backend.url(info.key)}: ${bytes} bytes came, ${info.sizeBytes} were listed.`,
  });
}
