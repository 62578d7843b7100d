import { checkBackend } from "./check-backend.ts";
import type { ListOptions, ObjectInfo, StorageBackend } from "./storage-backend.ts";

/**
 * Lists every object below a prefix in key order.
 *
 * @example
 * ```ts
 * for await (const { key, sizeBytes } of listObjects(backend, { prefix: "raw" })) total += sizeBytes;
 * ```
 */
export async function* listObjects(
  backend: StorageBackend,
  options: Omit<ListOptions, "delimiter"> = {},
): AsyncGenerator<ObjectInfo> {
  checkBackend(backend, "backend", "listObjects");
  for await (const page of backend.list(options)) yield* page.objects;
}
