import { checkOptions, type OptionKinds } from "./check-arguments.ts";
import { checkBackend } from "./check-backend.ts";
import type { TransferLimits } from "./concurrency/bandwidth-limiter.ts";
import type { Key, Prefix } from "./key.ts";
import type { ReplayableBody } from "./object-body.ts";
import type {
  ObjectInfo,
  OperationOptions,
  Preconditions,
  PutOptions,
  PutResult,
  StorageBackend,
} from "./storage-backend.ts";

/** The bytes of a small object, or of a range of an object, with their hash. */
export interface HashedBytes {
  /** The bytes, in memory that is reused after {@link HashedBytes.release}. */
  readonly bytes: Uint8Array;
  /** Their MD5, in hex. */
  readonly md5: string;
  /** Gives the memory back. Call it exactly once. */
  release(): void;
}

/** Options of {@link HashedReads.read}. */
export interface HashedReadOptions extends OperationOptions {
  /** Reads and hashes these bytes alone. Default: the whole object. */
  readonly range?: { readonly start: number; readonly end: number } | undefined;
}

/** The hash of a version of an object. */
export interface HashedVersion {
  /** The MD5, in hex. */
  readonly md5: string;
  /** Whether it may be kept, as {@link HashedReads.mayKeepHash} returns for the time before the read. */
  readonly mayKeep: boolean;
}

/** The ability to read and hash small objects, or ranges of large ones, at once, on a separate thread. */
export interface HashedReads {
  /** The largest object, or range of an object, that is read this way, in bytes. */
  readonly maxFileBytes: number;
  /** The most bytes that are out at a time; a caller that asks for more waits until others are released. */
  readonly maxOutstandingBytes: number;
  /**
   * Reads the listed version of an object, or a range of it, and the MD5 of these bytes.
   *
   * @returns undefined where this ability cannot answer and `get` has to be called: the bytes are too many, the object has changed
   * or cannot be read (`get` reports why), or the disk is slow and `get` serves it better.
   * @throws StorageError `aborted` where the signal fires; `invalid_path` for a key that leads out of the root.
   * @example
   * ```ts
   * const read = await abilitiesOf(backend).hashedReads?.read(key, { sizeBytes, etag });
   * try {
   *   if (read !== undefined) await target.put(key, read.bytes, { md5: read.md5 });
   * } finally {
   *   read?.release();
   * }
   * ```
   */
  read(
    key: Key,
    version: { readonly sizeBytes: number; readonly etag: string },
    options?: HashedReadOptions,
  ): Promise<HashedBytes | undefined>;
  /** Starts the thread (about 30 ms) before it is needed. Without it, the first read starts it. */
  prepare(): void;
  /**
   * Reads the listed versions of several small objects, of at most `maxFileBytes` in total, and returns their MD5s in the same order.
   * Nothing is left to be released. It takes a fraction of the time of separate reads.
   *
   * @returns undefined in place of an object for which `read` has to be called.
   * @throws StorageError as {@link HashedReads.read}.
   * @example
   * ```ts
   * const hashes = await abilitiesOf(backend).hashedReads?.hashTogether?.(page.objects.slice(0, 8));
   * ```
   */
  hashTogether?:
    | ((
        versions: readonly Pick<ObjectInfo, "key" | "sizeBytes" | "etag">[],
        options?: OperationOptions,
      ) => Promise<readonly (HashedVersion | undefined)[]>)
    | undefined;
  /**
   * Whether the hash of a version may be kept: whether every later edit of the object gives it another ETag. False for a file
   * that was changed recently, or whose file system does not record every change.
   *
   * @param since when the read of the hashed bytes began, or earlier, in milliseconds since 1970.
   */
  mayKeepHash(key: Key, etag: string, since: number): Promise<boolean>;
}

/** Options of {@link HashedWrites.put}. */
export interface HashedPutOptions extends OperationOptions, Preconditions {
  /** The size of every part but the last, in bytes. */
  readonly partSizeBytes: number;
  /**
   * Called with the MD5s of the parts, in hex and in order, once the new file holds the body and before it becomes the object. If
   * it throws, nothing is stored, and the error is passed on.
   */
  readonly check: (md5s: readonly string[]) => void;
}

/** The ability to store large objects from several ranges concurrently, written and hashed on a separate thread. */
export interface HashedWrites {
  /** How much of a body is opened at once at most, in bytes, rounded down to whole parts; a larger part is opened as a whole. */
  readonly rangeBytes: number;
  /**
   * Stores a body as `put` does. Several ranges of it are read concurrently, and its parts are hashed on the separate thread, which
   * also reads the new file back and compares it with the bytes that the body delivered.
   *
   * @returns undefined where the thread has ended, nothing is stored, and `put` has to be called.
   * @throws StorageError as {@link StorageBackend.put}; `corrupt` for a body that is shorter or longer than announced.
   * @example
   * ```ts
   * const stored = await abilitiesOf(backend).hashedWrites?.put(key, body, { partSizeBytes: 8 * 1024 ** 2, check });
   * ```
   */
  put(key: Key, body: ReplayableBody, options: HashedPutOptions): Promise<PutResult | undefined>;
}

/** A part of an upload that the store has received. */
export interface UploadedPart {
  /** Its number, from 1. */
  readonly number: number;
  /** The store's ETag for it. */
  readonly etag: string;
  /** The MD5 of its content, in hex. */
  readonly md5: string;
}

/** How far an upload has come: plain data that the caller keeps wherever it likes. Holds no secret. */
export interface UploadState {
  /** The object's full name in the store, prefix included. */
  readonly key: string;
  /** The store's name for the upload. */
  readonly uploadId: string;
  /** Identifies this write among others. */
  readonly writeId: string;
  /** The size of the whole body, in bytes. */
  readonly sizeBytes: number;
  /** The size of every part but the last, in bytes. */
  readonly partSizeBytes: number;
  /** How many requests it took to begin the upload: above 1, the store may have begun others, which remain empty. */
  readonly asked?: number | undefined;
  /** The parts that the store has, each with the MD5 of what was sent. */
  readonly parts: readonly UploadedPart[];
}

/** Options of {@link ResumableUploads.upload}. */
export interface ResumableUploadOptions extends PutOptions {
  /**
   * Stops after the parts under way, which are finished and recorded: the upload is rejected with `aborted` and can be resumed.
   * `signal` stops at once.
   */
  readonly stopSignal?: AbortSignal | undefined;
  /**
   * Returns a range of the body with its MD5, which is not computed again then. Where it returns undefined, the range is read from
   * the body. Default: all of them are.
   */
  readonly readPart?:
    | ((range: { readonly start: number; readonly end: number }) => Promise<HashedBytes | undefined>)
    | undefined;
  /** The last state of an earlier, interrupted call. Default: begin a new upload. */
  readonly resume?: UploadState | undefined;
  /** Called when the upload has begun and after each part; a returned promise is awaited. */
  readonly onState: (state: UploadState) => void | Promise<void>;
}

/** An upload that has neither become an object nor been aborted. The store charges for its parts. */
export interface UnfinishedUpload {
  /** The key it would become. */
  readonly key: Key;
  /** The store's name for it. */
  readonly uploadId: string;
  /** When it began. */
  readonly startedAt: Date;
}

/** The ability to upload an object in parts that outlive a failed call, or a killed process. */
export interface ResumableUploads {
  /**
   * Uploads by parts. If it fails, the parts that arrived stay in the store, and a later call, also of another process,
   * resumes from the last state. Those parts are read and compared again but not sent again, so a body that has changed in
   * the meantime is noticed. Where the store no longer has the upload, a new one is begun.
   *
   * @throws StorageError as {@link StorageBackend.put}; `invalid_argument` where the state belongs to another key or size.
   * @example
   * ```ts
   * await uploads.upload(key, body, { resume: saved, onState: (state) => save(JSON.stringify(state)) });
   * ```
   */
  upload(key: Key, body: ReplayableBody, options: ResumableUploadOptions): Promise<PutResult>;
  /** Lists the unfinished uploads below a prefix, by whole segments, lazily. */
  list(prefix?: Prefix, options?: OperationOptions): AsyncIterable<UnfinishedUpload>;
  /** Aborts an upload and frees its parts. Succeeds where there is no such upload. */
  abort(upload: Pick<UnfinishedUpload, "key" | "uploadId">, options?: OperationOptions): Promise<void>;
}

/** The address and credentials with which another program reads the objects of an S3 store. Holds secrets: never print it. */
export interface ObjectAccess {
  /** The bucket. */
  readonly bucket: string;
  /** The prefix of every key. */
  readonly prefix: Prefix;
  /** The region. */
  readonly region: string;
  /** The server's URL. Absent for AWS. */
  readonly endpoint?: string | undefined;
  /** Whether the bucket is part of the path rather than of the host name. */
  readonly isPathStyle: boolean;
  /** The credentials as of now; temporary ones expire. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string | undefined;
  };
}

/** The ability to let another program, such as a query engine, read the objects directly. */
export interface DirectAccess {
  /**
   * Returns the address and the credentials of the objects.
   *
   * @throws StorageError `unauthenticated` if the credentials are missing.
   */
  access(options?: OperationOptions): Promise<ObjectAccess>;
}

/** The ability to limit what is sent and received over the network, where bytes enter and leave the socket. */
export interface LimitedTransfers {
  /**
   * Applies limits to all requests from now on, in addition to those that already apply: retries, listings and the headers
   * count as well. The returned function ends them.
   *
   * @example
   * ```ts
   * const endLimits = abilitiesOf(backend).limitedTransfers?.limit(createTransferLimits(10_000_000));
   * ```
   */
  limit(limits: TransferLimits): () => void;
}

/** Options of {@link Renames.rename}. */
export interface RenameOptions extends OperationOptions {
  /** Other objects of the same folder, which are deleted immediately after the rename, in this order. Default: none. */
  readonly removing?: readonly Key[] | undefined;
}

/** The ability to rename an object within its folder. */
export interface Renames {
  /**
   * Gives an object another name in the same folder; an object of that name is replaced. Each reader finds the object under one
   * of the two names. The deletions of `removing` follow as fast as possible, but not in the same step. Neither waits for
   * concurrent writers of these keys, so it is for keys that are not written with conditions.
   *
   * @throws StorageError `not_found` if there is no such object, and then nothing is deleted; `invalid_argument` if the keys
   * are in different folders.
   * @example
   * ```ts
   * await abilitiesOf(backend).renames?.rename(parseKey("a/_new"), parseKey("a/new"), { removing: [parseKey("a/old")] });
   * ```
   */
  rename(from: Key, to: Key, options?: RenameOptions): Promise<void>;
}

/** A file or a lock that a killed process left next to the objects of a store. */
export interface LeftoverFile {
  /** Its full path. */
  readonly path: string;
  /** Its size in bytes; 0 for a lock. */
  readonly bytes: number;
}

/** The ability to remove what killed processes left next to the objects. No listing shows it, and it is never a running one's. */
export interface Leftovers {
  /** Removes it where a listing of this backend came across it. Costs nothing elsewhere. */
  removeListed(): Promise<readonly LeftoverFile[]>;
  /**
   * Removes it everywhere, which reads every folder; with `dryRun` it only reports.
   *
   * @throws StorageError as a listing.
   * @example
   * ```ts
   * const left = await abilitiesOf(backend).leftovers?.removeAll({ dryRun: true });
   * ```
   */
  removeAll(
    options?: OperationOptions & { readonly dryRun?: boolean | undefined },
  ): Promise<readonly LeftoverFile[]>;
}

/** The abilities of a backend beyond the byte contract. It lacks those that are absent. */
export interface BackendAbilities {
  /** Reads and hashes small objects and ranges on a separate thread. */
  readonly hashedReads?: HashedReads | undefined;
  /** Stores large objects on a separate thread, which hashes them. */
  readonly hashedWrites?: HashedWrites | undefined;
  /** Uploads that outlive a failure. */
  readonly resumableUploads?: ResumableUploads | undefined;
  /** Direct reads by another program. */
  readonly directAccess?: DirectAccess | undefined;
  /** Limits on the network. */
  readonly limitedTransfers?: LimitedTransfers | undefined;
  /** Renames within a folder. */
  readonly renames?: Renames | undefined;
  /** Removes what killed processes left. */
  readonly leftovers?: Leftovers | undefined;
}

/** Kept apart from the backends, so that a copy (`{ ...backend, get }`) or an unaware wrapper has none. */
const declared = new WeakMap<StorageBackend, BackendAbilities>();
const NONE: BackendAbilities = {};

/**
 * Returns the abilities that were declared for this very object; none for a copy of it, or for a wrapper that has not passed
 * them on.
 *
 * @example
 * ```ts
 * const { resumableUploads } = abilitiesOf(backend);
 * for await (const { key, startedAt } of resumableUploads?.list() ?? []) console.log(key, startedAt);
 * ```
 */
export function abilitiesOf(backend: StorageBackend): BackendAbilities {
  return declared.get(backend) ?? NONE;
}

const ABILITIES: OptionKinds<BackendAbilities> = {
  hashedReads: "object",
  hashedWrites: "object",
  resumableUploads: "object",
  directAccess: "object",
  limitedTransfers: "object",
  renames: "object",
  leftovers: "object",
};

/**
 * Declares the abilities of a backend and returns it. A backend calls it once; a wrapper calls it to pass abilities on, with
 * keys translated and limits applied.
 *
 * @example
 * ```ts
 * return withAbilities(backend, { resumableUploads: { upload, list, abort } });
 * ```
 */
export function withAbilities<B extends StorageBackend>(backend: B, abilities: BackendAbilities): B {
  checkBackend(backend, "backend", "withAbilities");
  checkOptions(abilities, ABILITIES, "withAbilities");
  declared.set(backend, abilities);
  return backend;
}
