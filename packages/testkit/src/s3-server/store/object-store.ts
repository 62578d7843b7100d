import type { Checksum } from "./checksum.ts";

/** A bucket. */
export interface BucketRecord {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

/** What a client gave with an object and gets back with it. */
export interface ObjectAttributes {
  /** Content headers by lower-case name: `content-type`, `cache-control` and the like. */
  readonly contentHeaders: Readonly<Record<string, string>>;
  /** User metadata by lower-case name, without `x-amz-meta-`. */
  readonly userMetadata: Readonly<Record<string, string>>;
}

/** Everything known of an object but its bytes. */
export interface ObjectRecord extends ObjectAttributes {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly lastModifiedMs: number;
  readonly checksum?: Checksum;
  /** Sizes of the parts of an object that was uploaded in parts. */
  readonly partSizes?: readonly number[];
}

/** Bytes that can be read: of an object as it was when it was opened, or of something staged. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Reads `[start, end)`, piece by piece. */
  read(start: number, end: number): AsyncIterable<Buffer>;
  /** All the bytes, where they lie in memory in one piece or few; saves small replies the iterator. */
  readonly inMemory?: readonly Buffer[];
  /** Frees what reading holds. Safe to call twice. */
  close(): void;
}

/** Bytes that are complete but belong to no key yet. */
export interface StagedBytes {
  /** Bytes. */
  readonly size: number;
  open(): ByteSource;
  /** Throws the bytes away; does nothing once they are committed. Safe to call twice. */
  discard(): void;
}

/** Takes a body in. */
export interface StageWriter {
  /** Appends; a promise means: wait before the next call. The chunk is kept, not copied. */
  write(chunk: Buffer): Promise<void> | undefined;
  finish(): Promise<StagedBytes>;
  /** Throws away what was written. */
  abort(): Promise<void>;
}

/** An object found, with its bytes as they were at that moment. */
export interface OpenObject {
  readonly record: ObjectRecord;
  readonly source: ByteSource;
}

/**
 * Where buckets and objects are kept. Everything that decides or commits is synchronous: whoever checks a
 * precondition and then commits, without awaiting in between, does so atomically.
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
  /** Record of an object; `undefined` also when there is no such bucket. */
  find(bucket: string, key: string): ObjectRecord | undefined;
  /** Record and bytes of an object, which stay readable whatever happens to the key; close the source. */
  open(bucket: string, key: string): OpenObject | undefined;
  /**
   * Records in UTF-8 byte order of their keys, from the first key for which `isBefore` is false. Walk them
   * without awaiting: the store must not change meanwhile.
   */
  scan(bucket: string, isBefore: (key: string) => boolean): Iterable<ObjectRecord>;
  /** Starts taking in a body. */
  stage(): StageWriter;
  /** Makes staged bytes the object of `record.key`, all at once. */
  commit(bucket: string, record: ObjectRecord, staged: StagedBytes): void;
  /** Deletes an object; false when there was none. */
  delete(bucket: string, key: string): boolean;
  /** Frees everything. Objects on disk stay. */
  close(): Promise<void>;
}
