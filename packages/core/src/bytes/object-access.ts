import type { ObjectAccess } from "./abilities.ts";
import type { StorageBackend } from "./storage-backend.ts";

/** A backend that can hand its objects to another program. */
export interface DirectlyAccessible {
  /**
   * How another program reads the objects.
   *
   * @throws StorageError `unauthenticated` where there are no credentials.
   */
  objectAccess(): Promise<ObjectAccess>;
}

/**
 * True for a backend that can hand its objects to another program.
 *
 * @example
 * ```ts
 * if (isDirectlyAccessible(backend)) await engine.grant(await backend.objectAccess());
 * ```
 */
export function isDirectlyAccessible(
  backend: StorageBackend,
): backend is StorageBackend & DirectlyAccessible {
  return "objectAccess" in backend && typeof backend.objectAccess === "function";
}
