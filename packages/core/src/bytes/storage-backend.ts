import type { BackendCapabilities } from "./backend-capabilities.ts";
import type { Key, Prefix } from "./key.ts";
import type { ObjectBody, PutBody } from "./object-body.ts";
import type { StorageError } from "./storage-error.ts";

/**
 * The byte contract: objects by key, the same on a directory, in S3, in R2 or in memory. Nothing here knows tables.
 * Every method is required, takes a `signal` and throws only {@link StorageError}. `describeBackend` of
 * `@parquetry/testkit` asks a backend everything that is promised here.
 *
 * @example
 * ```ts
 * const { etag } = await backend.put(key, bytes, { ifNoneMatch: "*" });
 * const { body } = await backend.get(key, { ifMatch: etag, range: { start: 0, end: 100 } });
 * const head = await body.bytes();
 * ```
 */
export interface StorageBackend {
  /** Names the kind in errors: `local`, `s3`, `r2`, `memory`. */
  readonly name: string;
  /** What this store can do, as data. */
  readonly capabilities: BackendCapabilities;
  /** Where a key lies, for people: `/data/raw/x` or `s3://bucket/raw/x`. Without a key, the root. */
  url(key?: Prefix): string;
  /** The facts of one object. A missing key is `not_found`. */
  head(key: Key, options?: OperationOptions): Promise<ObjectInfo>;
  /**
   * Opens an object. The body must be consumed or cancelled. A missing key is `not_found`; a failed `ifMatch` is
   * `precondition_failed`; a range that starts at or beyond the end is `invalid_argument`, one that ends beyond it is cut.
   */
  get(key: Key, options?: GetOptions): Promise<GetResult>;
  /**
   * Stores a whole object or nothing: no reader ever sees a part, and when this resolves the bytes are durable, and the
   * memory that the caller gave them in is its own again. A failed
   * `ifNoneMatch` is `already_exists`; a failed `ifMatch`, also on a missing key, is `precondition_failed`; a body that
   * does not match `sha256` or `md5` is `corrupt`.
   */
  put(key: Key, body: PutBody, options?: PutOptions): Promise<PutResult>;
  /**
   * Lists objects below a prefix, lazily, a page at a time, keys in UTF-8 byte order of the whole key (`compareKeys`).
   * With `delimiter` only the direct children: objects, and the prefixes that hold more. A prefix without objects gives
   * one empty page or none, never an error. What cannot be read below it ends the listing, unless `onUnreadable` is told.
   */
  list(options?: ListOptions): AsyncIterable<ListPage>;
  /** Deletes keys as the result is iterated, one result a key, in any order. A missing key counts as deleted. */
  delete(keys: Iterable<Key> | AsyncIterable<Key>, options?: OperationOptions): AsyncIterable<DeleteResult>;
  /** Copies an object inside the store. Preconditions are about the target, as in {@link StorageBackend.put}. */
  copy(from: Key, to: Key, options?: CopyOptions): Promise<PutResult>;
  /** Frees sockets and handles. Calls after it fail. */
  close(): Promise<void>;
}

/** What every operation takes. */
export interface OperationOptions {
  /** Stops the operation promptly, with code `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** The facts of one object. */
export interface ObjectInfo {
  /** Its key. */
  readonly key: Key;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** An opaque, strong tag without quotes: equal tags of one key mean equal content, and any change changes it. */
  readonly etag: string;
  /** When it was last written. */
  readonly lastModified: Date;
  /** The MD5 of its content in hex, where the store proves it at no cost; absent where it cannot. */
  readonly md5?: string | undefined;
  /** The SHA-256 of its content in hex, where it was recorded with the object and comes at no cost; never in a listing. */
  readonly sha256?: string | undefined;
}

/** Which bytes: from `start` up to, not including, `end` (default: the end), or the `last` so many. */
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
   * Compares a whole body with what {@link ObjectInfo.sha256} or else {@link ObjectInfo.md5} says: one that is another
   * ends in `corrupt`. Where neither is known, or with a `range`, nothing is compared. Default false.
   */
  readonly verify?: boolean | undefined;
}

/** An opened object. */
export interface GetResult {
  /** The facts of the whole object, not of the range. */
  readonly info: ObjectInfo;
  /** Its bytes. Consume or cancel them. */
  readonly body: ObjectBody;
}

/** A write happens only if this holds: `{ ifNoneMatch: "*" }` creates, `{ ifMatch: etag }` replaces. */
export interface Preconditions {
  /** Only if there is no such object. */
  readonly ifNoneMatch?: "*" | undefined;
  /** Only if the object still has this ETag. */
  readonly ifMatch?: string | undefined;
}

/** Options of {@link StorageBackend.put}. */
export interface PutOptions extends OperationOptions, Preconditions {
  /** What the SHA-256 of the body must be, in hex. */
  readonly sha256?: string | undefined;
  /** What the MD5 of the body must be, in hex. Who knows it saves a bucket the work of computing it. */
  readonly md5?: string | undefined;
}

/** Options of {@link StorageBackend.copy}. */
export interface CopyOptions extends OperationOptions, Preconditions {}

/** What a write left behind. */
export interface PutResult {
  /** The new object's ETag. */
  readonly etag: string;
  /** The new object's size in bytes. */
  readonly sizeBytes: number;
  /** The MD5 that the store vouches for, in hex, where it does. */
  readonly md5?: string | undefined;
}

/** Options of {@link StorageBackend.list}. */
export interface ListOptions extends OperationOptions {
  /** Where to start, by whole segments: `a/week=1` never lists `a/week=10`. Default `""`: everything. */
  readonly prefix?: Prefix | undefined;
  /** `"/"`: direct children only. Default: everything below. */
  readonly delimiter?: "/" | undefined;
  /** Only what comes after this name in listing order, a child prefix standing as `prefix/`. Need not exist. */
  readonly startAfter?: string | undefined;
  /** Told of what lies there but is no object of this contract: a symbolic link, a socket, a key such as `a//b`. */
  readonly onSkipped?: ((skipped: SkippedEntry) => void) | undefined;
  /**
   * Told of a folder below the prefix, or a file, that cannot be read: the listing goes on without it, and is not whole. By
   * the time that a later key comes it has been told. Default: the listing fails.
   */
  readonly onUnreadable?: ((unreadable: UnreadableEntry) => void) | undefined;
}

/** Something that lies in the store but cannot be named by a {@link Key}. */
export interface SkippedEntry {
  /** Its name, as a key is written: from where the backend's keys begin. */
  readonly path: string;
  /** What it is. */
  readonly reason: "symlink" | "special" | "not_a_key";
  /** The same for people. */
  readonly detail: string;
}

/** A folder or a file that a listing could not read. What lies below it is unknown. */
export interface UnreadableEntry {
  /** Its name, as a key is written; `year=2024`, not `year=2024/`. */
  readonly path: string;
  /** Why, as a read of it would fail: `permission_denied`, `unavailable`. */
  readonly error: StorageError;
}

/** One page of a listing. */
export interface ListPage {
  /** Objects, in order within and across pages. */
  readonly objects: readonly ObjectInfo[];
  /** With `delimiter`: the child prefixes, without the trailing `/`, in order within and across pages. */
  readonly prefixes: readonly Key[];
}

/** What became of one key of {@link StorageBackend.delete}. */
export interface DeleteResult {
  /** The key. */
  readonly key: Key;
  /** Absent where it is gone. */
  readonly error?: StorageError | undefined;
}
