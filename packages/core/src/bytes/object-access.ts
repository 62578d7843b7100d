import type { Prefix } from "./key.ts";
import type { StorageBackend } from "./storage-backend.ts";

/** What another program needs to read the objects of an S3 store by itself. Holds secrets: never print it. */
export interface ObjectAccess {
  /** The bucket. */
  readonly bucket: string;
  /** What comes before every key. */
  readonly prefix: Prefix;
  /** The region. */
  readonly region: string;
  /** The server's URL. Absent for AWS. */
  readonly endpoint?: string | undefined;
  /** Whether the bucket goes into the path rather than into the host name. */
  readonly isPathStyle: boolean;
  /** The credentials as of now; temporary ones end. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string | undefined;
  };
}

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
