import type { BackendCapabilities } from "./backend-capabilities.ts";
import type { Key, Prefix } from "./key.ts";
import type { ObjectBody, PutBody } from "./object-body.ts";
import type { StorageError } from "./storage-error.ts";

/**
 * The byte contract: objects by key, the same in a directory, S3, R2 and memory. It knows nothing of tables. Every method is
 * required, takes a `signal` and throws only {@link StorageError}. `describeBackend` of `@parquetry/testkit` tests a backend
 * against every guarantee made here.
 *
 * @example
 * ```ts
 * const { etag } = await backend.put(key, bytes, { ifNoneMatch: "*" });
 * const { body } = await backend.get(key, { ifMatch: etag, range: { start: 0, end: 100 } });
 * const head = await body.bytes();
 * ```
 */
export interface StorageBackend {
  /** The kind of backend, as errors name it: `local`, `s3`, `r2`, `memory`. */
  readonly name: string;
  /** The features and limits of this store. */
  readonly capabilities: BackendCapabilities;
  /** Returns the human-readable address of a key, or of the root: `/data/raw/x`, `s3://bucket/raw/x`. */
  url(key?: Prefix): string;
  /** Returns the metadata of one object. A missing key is `not_found`. */
  head(key: Key, options?: OperationOptions): Promise<ObjectInfo>;
  /**
   * Opens an object. The body must be consumed or cancelled. A missing key is `not_found`; a failed `ifMatch` is
   * `precondition_failed`; a range that starts at or beyond the end is `invalid_argument`; one that ends beyond it is shortened.
   */
  get(key: Key, options?: GetOptions): Promise<GetResult>;
  /**
   * Stores a whole object or nothing: no reader ever sees a part of it. When this resolves, the bytes are durable and the
   * caller may reuse their buffer. A failed `ifNoneMatch` is `already_exists`; a failed `ifMatch`, also on a missing key, is `precondition_failed`; a body that
   * does not match `sha256` or `md5` is `corrupt`.
   */
  put(key: Key, body: PutBody, options?: PutOptions): Promise<PutResult>;
  /**
   * Lists objects below a prefix, lazily, a page at a time, keys in UTF-8 byte order of the whole key (`compareKeys`).
   * With `delimiter`, it lists only the direct children: objects, and the prefixes of further objects. A prefix without
   * objects yields one empty page or none, never an error. An unreadable folder or file ends the listing with an error,
   * unless `onUnreadable` is set.
   */
  list(options?: ListOptions): AsyncIterable<ListPage>;
  /** Deletes keys as the result is iterated, with one result for each key, in any order. A missing key is a success. */
  delete(keys: Iterable<Key> | AsyncIterable<Key>, options?: OperationOptions): AsyncIterable<DeleteResult>;
  /** Copies an object within the store. Preconditions apply to the target, as in {@link StorageBackend.put}. */
  copy(from: Key, to: Key, options?: CopyOptions): Promise<PutResult>;
  /** Frees sockets and handles. Later calls fail. */
  close(): Promise<void>;
}

/** The options of every operation. */
export interface OperationOptions {
  /** Stops the operation promptly, with code `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** The metadata of one object. */
export interface ObjectInfo {
  /** Its key. */
  readonly key: Key;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /**
   * An opaque, strong tag without quotes: equal tags of one key mean equal content, and any change changes it. On a directory, an
   * edit in place that moves no time stamp does not: one through an open memory mapping, or in the same tick of the clock.
   */
  readonly etag: string;
  /** When it was last written. */
  readonly lastModified: Date;
  /** The MD5 of its content in hex, if the store proves it without a further request. */
  readonly md5?: string | undefined;
  /** The SHA-256 of its content in hex, if it was recorded with the object; never in a listing. */
  readonly sha256?: string | undefined;
}

/** A range of bytes: from `start` up to, but not including, `end` (default: the end), or the `last` n bytes. */
export type ByteRange =
  | { readonly start: number; readonly end?: number | undefined }
  | { readonly last: number };

/** Options of {@link StorageBackend.get}. */
export interface GetOptions extends OperationOptions {
  /** Only these bytes. Default: all. */
  readonly range?: ByteRange | undefined;
  /** Only if the object still has this ETag. */
  readonly ifMatch?: string | undefined;
  /**
   * Compares a whole body with {@link ObjectInfo.sha256}, or else {@link ObjectInfo.md5}, and ends it with `corrupt` if it
   * differs. Compares nothing if neither is known, or with a `range`. Default false.
   */
  readonly verify?: boolean | undefined;
  /**
   * The size that the object had in a listing, in bytes. A backend whose bandwidth is limited plans its requests by it; nothing
   * is compared with it. Default: unknown.
   */
  readonly expectedBytes?: number | undefined;
  /**
   * Allows the body to overwrite a chunk once the next one is requested, which is faster for large bodies. `body.bytes()` returns
   * memory that nothing overwrites. Default false.
   */
  readonly mayReuseMemory?: boolean | undefined;
}

/** An opened object. */
export interface GetResult {
  /** The metadata of the whole object, not of the range. */
  readonly info: ObjectInfo;
  /** Its bytes. Consume or cancel them. */
  readonly body: ObjectBody;
}

/** The condition of a write: `{ ifNoneMatch: "*" }` only creates, `{ ifMatch: etag }` only replaces that version. */
export interface Preconditions {
  /** Only if there is no such object. */
  readonly ifNoneMatch?: "*" | undefined;
  /** Only if the object still has this ETag. */
  readonly ifMatch?: string | undefined;
}

/** Options of {@link StorageBackend.put}. */
export interface PutOptions extends OperationOptions, Preconditions {
  /** The SHA-256 that the body must have, in hex. */
  readonly sha256?: string | undefined;
  /** The MD5 that the body must have, in hex. Pass it if you already have it; the backend then does not compute it again. */
  readonly md5?: string | undefined;
}

/** Options of {@link StorageBackend.copy}. */
export interface CopyOptions extends OperationOptions, Preconditions {}

/** The result of a write. */
export interface PutResult {
  /** The new object's ETag. */
  readonly etag: string;
  /** The new object's size in bytes. */
  readonly sizeBytes: number;
  /** The MD5 that the store proves, in hex, if it does. */
  readonly md5?: string | undefined;
}

/** Options of {@link StorageBackend.list}. */
export interface ListOptions extends OperationOptions {
  /** Lists only keys below it, by whole segments: `a/week=1` never lists `a/week=10`. Default `""`: everything. */
  readonly prefix?: Prefix | undefined;
  /** `"/"`: direct children only. Default: everything below. */
  readonly delimiter?: "/" | undefined;
  /** Lists only names after this one, in listing order; a child prefix is compared as `prefix/`. It need not exist. */
  readonly startAfter?: string | undefined;
  /** Called for each entry that cannot be an object of this contract: a symbolic link, a socket, a key such as `a//b`. */
  readonly onSkipped?: ((skipped: SkippedEntry) => void) | undefined;
  /**
   * Called for a folder below the prefix, or a file, that cannot be read: the listing goes on without it and is incomplete. It
   * is called before any later key is listed. Default: the listing fails.
   */
  readonly onUnreadable?: ((unreadable: UnreadableEntry) => void) | undefined;
}

/** An entry of the store that no {@link Key} can name. */
export interface SkippedEntry {
  /** Its name, written like a key, relative to the root of the backend. */
  readonly path: string;
  /** The kind of entry. */
  readonly reason: "symlink" | "special" | "not_a_key";
  /** A human-readable explanation. */
  readonly detail: string;
  /** The size of its content in bytes, if the listing shows it. An S3 key such as `folder/` is a mere folder marker only if this is 0. */
  readonly sizeBytes?: number | undefined;
}

/** A folder or a file that a listing could not read. Its content is unknown. */
export interface UnreadableEntry {
  /** Its name, written like a key: `year=2024`, not `year=2024/`. */
  readonly path: string;
  /** The error with which a read of it would fail: `permission_denied`, `unavailable`. */
  readonly error: StorageError;
}

/** One page of a listing. */
export interface ListPage {
  /** Objects, in order within and across pages. */
  readonly objects: readonly ObjectInfo[];
  /** With `delimiter`: the child prefixes, without the trailing `/`, in order within and across pages. */
  readonly prefixes: readonly Key[];
}

/** The result of {@link StorageBackend.delete} for one key. */
export interface DeleteResult {
  /** The key. */
  readonly key: Key;
  /** Why it could not be deleted; absent on success. */
  readonly error?: StorageError | undefined;
}
