import { KeyIndex } from "./key-index.ts";
import type {
  BucketRecord,
  ByteSource,
  ObjectRecord,
  ObjectStore,
  OpenObject,
  StagedBytes,
  StageWriter,
} from "./object-store.ts";

interface StoredObject {
  readonly record: ObjectRecord;
  readonly source: ByteSource;
}

interface MemoryBucket {
  readonly record: BucketRecord;
  readonly objects: KeyIndex<StoredObject>;
}

/** Bytes in memory that are never written to again. */
export class MemoryBytes implements ByteSource, StagedBytes {
  readonly size: number;
  readonly inMemory: readonly Buffer[];

  constructor(chunks: readonly Buffer[], size: number) {
    this.inMemory = chunks;
    this.size = size;
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    let offset = 0;
    for (const chunk of this.inMemory) {
      const from = Math.max(start - offset, 0);
      const to = Math.min(end - offset, chunk.length);
      if (from < to) yield chunk.subarray(from, to);
      offset += chunk.length;
      if (offset >= end) return;
    }
  }

  open(): ByteSource {
    return this;
  }

  close(): void {}

  discard(): void {}
}

class MemoryWriter implements StageWriter {
  #chunks: Buffer[] = [];
  #size = 0;

  write(chunk: Buffer): undefined {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  async finish(): Promise<StagedBytes> {
    return new MemoryBytes(this.#chunks, this.#size);
  }

  async abort(): Promise<void> {
    this.#chunks = [];
  }
}

/** Stores buckets and objects in memory. */
export class MemoryStore implements ObjectStore {
  readonly #buckets = new Map<string, MemoryBucket>();

  buckets(): readonly BucketRecord[] {
    return Array.from(this.#buckets.values(), (bucket) => bucket.record);
  }

  bucket(name: string): BucketRecord | undefined {
    return this.#buckets.get(name)?.record;
  }

  createBucket(record: BucketRecord): void {
    this.#buckets.set(record.name, { record, objects: new KeyIndex() });
  }

  deleteBucket(name: string): void {
    this.#buckets.delete(name);
  }

  find(bucket: string, key: string): ObjectRecord | undefined {
    return this.#buckets.get(bucket)?.objects.get(key)?.record;
  }

  open(bucket: string, key: string): OpenObject | undefined {
    return this.#buckets.get(bucket)?.objects.get(key);
  }

  *scan(bucket: string, isBefore: (key: string) => boolean): Generator<ObjectRecord> {
    for (const { record } of this.#buckets.get(bucket)?.objects.scan(isBefore) ?? []) yield record;
  }

  stage(): StageWriter {
    return new MemoryWriter();
  }

  commit(bucket: string, record: ObjectRecord, staged: StagedBytes): void {
    this.#buckets.get(bucket)?.objects.set(record.key, { record, source: staged.open() });
  }

  delete(bucket: string, key: string): boolean {
    return this.#buckets.get(bucket)?.objects.delete(key) ?? false;
  }

  async close(): Promise<void> {
    this.#buckets.clear();
  }
}
