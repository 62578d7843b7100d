import type { Checksum } from "./checksum.ts";

export interface BucketRecord {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

/** Headers that a client sends with an object and receives with it. */
export interface ObjectAttributes {
  /** Content headers by lower-case name: `content-type`, `cache-control` and the like. */
  readonly contentHeaders: Readonly<Record<string, string>>;
  /** User metadata by lower-case name, without `x-amz-meta-`. */
  readonly userMetadata: Readonly<Record<string, string>>;
}

/** An object without its bytes. */
export interface ObjectRecord extends ObjectAttributes {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly lastModifiedMs: number;
  readonly checksum?: Checksum;
  /** Sizes of the parts of a multipart object. */
  readonly partSizes?: readonly number[];
}

/** Readable bytes: of an object as it was when it was opened, or staged. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Reads `[start, end)` in pieces. */
  read(start: number, end: number): AsyncIterable<Buffer>;
  /** All the bytes, if they are in memory; small replies then need no iterator. */
  readonly inMemory?: readonly Buffer[];
  /** Releases the source. Can be called twice. */
  close(): void;
}

/** Complete bytes without a key. */
export interface StagedBytes {
  /** Bytes. */
  readonly size: number;
  open(): ByteSource;
  /** Discards the bytes, unless they are committed. Can be called twice. */
  discard(): void;
}

/** Stages a body. */
export interface StageWriter {
  /** Appends a chunk, which is kept and not copied. A returned promise must be awaited before the next call. */
  write(chunk: Buffer): Promise<void> | undefined;
  finish(): Promise<StagedBytes>;
  /** Discards the written bytes. */
  abort(): Promise<void>;
}

/** An object with its bytes as they were when it was opened. */
export interface OpenObject {
  readonly record: ObjectRecord;
  readonly source: ByteSource;
}

/**
 * Stores buckets and objects. Every method that decides or commits is synchronous, so a precondition that is checked right
 * before the commit, without awaiting in between, makes both atomic.
 *
 * @example
 * const writer = store.stage();
 * await writer.write(Buffer.from("hello"));
 * store.commit("bucket", record, await writer.finish());
 */
export interface ObjectStore {
  buckets(): readonly BucketRecord[];
  bucket(name: string): BucketRecord | undefined;
  createBucket(record: BucketRecord): void;
  /** Deletes a bucket that is empty. */
  deleteBucket(name: string): void;
  /** Returns the record of an object; `undefined` also if the bucket does not exist. */
  find(bucket: string, key: string): ObjectRecord | undefined;
  /** Returns the record and bytes of an object, which stay readable when the key is replaced or deleted. Close the source. */
  open(bucket: string, key: string): OpenObject | undefined;
  /**
   * Returns records in the UTF-8 byte order of their keys, from the first key for which `isBefore` is false. Iterate without
   * awaiting: the store must not change in the meantime.
   */
  scan(bucket: string, isBefore: (key: string) => boolean): Iterable<ObjectRecord>;
  /** Starts to stage a body. */
  stage(): StageWriter;
  /** Makes staged bytes the object of `record.key`, atomically. */
  commit(bucket: string, record: ObjectRecord, staged: StagedBytes): void;
  /** Deletes an object; false if there was none. */
  delete(bucket: string, key: string): boolean;
  /** Releases all resources. Objects on disk remain. */
  close(): Promise<void>;
}
